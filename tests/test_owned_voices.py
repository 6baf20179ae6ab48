"""Voices of five architectures speak at once in one process: each as it speaks alone, with the times of its words."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from owned_voices import IMPORTERS, MISSING, REASON, import_voices

import voxstack

if MISSING:
    pytest.skip(REASON, allow_module_level=True)

ENGLISH = (
    "The train leaves at 9:45, so hurry!",
    "Nobody knows which boats came home.",
    "Dr. Brown paid $5.",
    "Why would anyone walk? It rains.",
    "A second voice answers, quietly.",
)
JAPANESE = ("今日は天気がいいです。", "電車は九時に来ます。", "ありがとう、また明日。", "三百円です。")
REQUESTS = [
    *(("joe", text, {"seed": seed}) for seed, text in enumerate(ENGLISH)),
    *(("kokoro", text, {"speaker": name}) for text, name in zip(JAPANESE, ("jf_alpha", "jm_kumo") * 2, strict=True)),
    *(("pocket", text, {"seed": seed, "speaker": name}) for seed, text in enumerate(ENGLISH) for name in ("anna",)),
    *(("cobalt", text, {}) for text in ENGLISH),
    *(("espeak", text, {}) for text in ENGLISH),
]
"""24 requests: voice, text and controls."""

Spoken = tuple[np.ndarray, list[Any]]


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, voxstack.Voice]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # models as small as these gain nothing from threads, which on a busy machine wait long
    with pytest.MonkeyPatch.context() as context:
        context.syspath_prepend(str(IMPORTERS))
        with __import__("shared_exports").shared_exports():
            folders = import_voices(tmp_path_factory.mktemp("owned"))
    torch.set_num_threads(threads)
    loaded = {name: voxstack.load(folder) for name, folder in folders.items()}
    return {**loaded, "cobalt": voxstack.load("cobalt"), "espeak": voxstack.load("espeak")}


def open_streams(voices: dict[str, voxstack.Voice]) -> list[Iterator[Any]]:
    return [voices[name].stream(text, **controls) for name, text, controls in REQUESTS]


def joined(chunks: list[Any]) -> Spoken:
    return np.concatenate([chunk.samples for chunk in chunks]), [event for chunk in chunks for event in chunk.events]


@pytest.fixture(scope="module")
def alone(voices: dict[str, voxstack.Voice]) -> list[Spoken]:
    """Return the speech of each request by itself."""
    return [joined(list(stream)) for stream in open_streams(voices)]


@pytest.fixture(scope="module")
def together(voices: dict[str, voxstack.Voice]) -> list[Spoken]:
    """Return the speech of each request, all of them in turn, a chunk of each."""
    chunks: list[list[Any]] = [[] for _ in REQUESTS]
    waiting = list(enumerate(open_streams(voices)))
    while waiting:
        left = []
        for number, stream in waiting:
            chunk = next(stream, None)
            if chunk is not None:
                chunks[number].append(chunk)
                left.append((number, stream))
        waiting = left
    return [joined(parts) for parts in chunks]


def test_24_streams_of_five_voices_speak_as_they_speak_alone(alone: list[Spoken], together: list[Spoken]) -> None:
    """The sizes of chunks depend on the time that has passed, and kernels round by size: 1e-5 of the peak."""
    assert len(REQUESTS) == 24
    for request, (samples, events), (expected, expected_events) in zip(REQUESTS, together, alone, strict=True):
        assert samples.shape == expected.shape, request
        peak = np.abs(expected).max()
        assert peak > 0.01, request
        assert np.abs(samples - expected).max() < 1e-5 * peak, request
        for kind in ("sentence", "word", "phoneme"):
            first, second = ([event for event in found if event.kind == kind] for found in (events, expected_events))
            assert [(event.text, event.span) for event in first] == [(event.text, event.span) for event in second]
            starts = np.array([[event.start for event in found] for found in (first, second)])
            assert np.ptp(starts, axis=0).max(initial=0.0) < 1e-3, f"{request}: {kind}"


@pytest.mark.parametrize("name", ["joe", "kokoro", "pocket", "cobalt", "espeak"])
def test_every_voice_reports_its_words(name: str, together: list[Spoken], voices: dict[str, voxstack.Voice]) -> None:
    found = 0
    for (voice, text, _), (samples, events) in zip(REQUESTS, together, strict=True):
        if voice != name:
            continue
        words = [event for event in events if event.kind == "word"]
        seconds = len(samples) / voices[name].sample_rate
        covered = {index for word in words for index in range(*word.span)}
        letters = {index for index, letter in enumerate(text) if letter.isalnum()}
        assert letters <= covered, f"{text!r}: {[word.text for word in words]}"
        assert all(text[word.span[0] : word.span[1]].strip() for word in words)
        assert all(first.start <= second.start for first, second in itertools.pairwise(words))
        assert all(0 <= word.start <= word.start + word.duration <= seconds + 0.05 for word in words)
        found += len(words)
    assert found > 8
