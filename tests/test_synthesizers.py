# ruff: noqa: RUF001 -- phonetic characters are meant
"""The blocks that synthesize with espeak-ng and Flite, together with those of other plugins."""

from __future__ import annotations

import ctypes.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import voxstack
from voxstack import Registry

needs_flite = pytest.mark.skipif(
    ctypes.util.find_library("flite") is None, reason="Flite's library is not installed: apt install libflite1"
)
HEADS = [pytest.param("Espeak", 22050, id="espeak"), pytest.param("Flite", 16000, id="flite", marks=needs_flite)]
TEXT = "Hello there. How are you, my friend? I am well."


def voice(folder: Path, stack: list[dict[str, Any]], rate: int) -> voxstack.Voice:
    """Return the voice of an addon without networks, with all installed plugins."""
    config = {
        "spec_version": 1,
        "name": "spoken",
        "version": "1",
        "license": "CC0-1.0",
        "languages": ["en"],
        "sample_rate": rate,
    }
    config |= {"hop_length": rate // 100, "controls": {}, "networks": {}, "files": {}, "stack": stack}
    (folder / "addon.json").write_text(json.dumps(config))
    scheduler = voxstack.Scheduler(load=None, patience=None)
    return voxstack.load(folder, registry=Registry.installed(), scheduler=scheduler)


@pytest.mark.parametrize(("head", "rate"), HEADS)
def test_sentences_around_speaks_while_the_text_is_written(tmp_path: Path, head: str, rate: int) -> None:
    spoken = voice(tmp_path, [{"type": "Sentences", "block": {"type": head}}], rate)
    written: list[str] = []

    def pieces() -> Iterator[str]:
        for piece in ("Hello there. ", "How are you, ", "my friend? ", "I am well."):
            written.append(piece)
            yield piece

    chunks = spoken.stream(pieces())
    first = next(chunks)
    assert len(written) < 4
    received = [first, *chunks]
    whole = spoken.synthesize(TEXT)
    events = [event for chunk in received for event in chunk.events]
    words = [event for event in events if event.kind == "word"]
    assert " ".join(word.text for word in words) == "Hello there How are you my friend I am well"
    assert all(TEXT[slice(*word.span)] == word.text for word in [*words, *whole.words])
    assert [event.text for event in whole.events if event.kind == "sentence"] == [
        "Hello there.",
        "How are you, my friend?",
        "I am well.",
    ]


def test_ssml_by_sentences_is_spoken_with_the_places_of_what_is_written(tmp_path: Path) -> None:
    spoken = voice(tmp_path, [{"type": "Sentences", "block": {"type": "Espeak"}}], 22050)
    document = '<speak>He read <sub alias="the World Wide Web">WWW</sub> &amp; <b/>left. <s>Dr. Smith.</s></speak>'
    speech = spoken.synthesize(document, markup="ssml")
    written = [document[slice(*word.span)] for word in speech.words]
    assert written == ["He", "read", "WWW", "&amp;", "left", "Dr", "Smith"]
    assert speech.words[2].text == "the World Wide Web"
    sentences = [document[slice(*event.span)] for event in speech.events if event.kind == "sentence"]
    assert sentences == [document[7 : document.index(" <s>")], "Dr. Smith."]


@pytest.mark.parametrize(("head", "rate"), HEADS)
def test_resample_behind_gives_another_rate_and_keeps_the_time(tmp_path: Path, head: str, rate: int) -> None:
    resample = {"type": "Resample", "source_rate": rate, "target_rate": 24000}
    other = voice(tmp_path, [{"type": head, "sample_rate": rate}, resample], 24000).synthesize(TEXT)
    own = voice(tmp_path, [{"type": head}], rate).synthesize(TEXT)
    assert other.duration == pytest.approx(own.duration, abs=0.001)
    np.testing.assert_allclose([word.start for word in other.words], [word.start for word in own.words], atol=1e-6)


def test_phonemes_become_tokens_as_piper_numbers_them(tmp_path: Path) -> None:
    symbols = {symbol: [number] for number, symbol in enumerate(" ,.?həlˈoʊðɛɹaɪæmwˌɑːjuːk", 3)}
    stack = {
        "type": "SequenceBlockContainer",
        "blocks": [
            {"type": "EspeakPhonemes", "voice": "en-us"},
            {"type": "Characters", "symbols": symbols, "source": "phonemes", "start": [1], "blank": [0], "end": [2]},
        ],
    }
    holder = voice(tmp_path, [{"type": "Espeak"}], 22050).addon
    outputs = voxstack.build(stack, holder)({"text": "Hello, you."})
    assert "".join(outputs["phonemes"]) == "həlˈoʊ, juː."
    names = {tuple(ids): symbol for symbol, ids in symbols.items()}
    assert "".join(names.get((token,), "") for token in outputs["tokens"].tolist()) == "həlˈoʊ, juː."
    assert (outputs["tokens"][0], outputs["tokens"][-1]) == (1, 2)
