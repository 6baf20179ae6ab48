from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxstack import Frames, Schedule, SequenceBlock, StreamableBlock, StreamableStack, Utterance, windows
from voxstack.testing import Case, parametrize_with_checks
from voxstack_diagnostics.histogram import Histogram
from voxstack_diagnostics.nan_guard import NanGuard
from voxstack_diagnostics.probe import Probe
from voxstack_diagnostics.probe_sequence import ProbeSequence
from voxstack_diagnostics.spectrogram import Spectrogram
from voxstack_diagnostics.stopwatch import Stopwatch


@dataclass
class Ahead(StreamableBlock):
    """Yields each step twice, as the sum of itself and the third one after it."""

    takes, makes, lookahead, hop = "mel", "frames", 3, 2.0

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        for frames, skip, size, _ in windows(source, 0, 3):
            padded = np.concatenate([frames, np.zeros((3, *frames.shape[1:]), frames.dtype)])
            yield np.repeat(padded[skip : skip + size] + padded[skip + 3 : skip + 3 + size], 2, 0)


@dataclass
class Head(StreamableBlock):
    """Counts up to the request's count."""

    needs, head, makes = frozenset({"count"}), True, "frames"

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        start, count = 0, utterance["count"]
        for size in utterance.get("schedule", Schedule()).sizes():
            if start >= count:
                return
            yield np.arange(start, min(start + size, count), dtype=np.float32)[:, None]
            start += size


@dataclass
class Lengths(SequenceBlock):
    """Durations of tokens."""

    needs, gives = frozenset({"tokens"}), frozenset({"durations"})

    def __call__(self, utterance: Utterance) -> Utterance:
        return {"durations": np.asarray(utterance["tokens"]) * np.float32(1.5)}


BAD = np.where(np.random.default_rng(4).random((97, 5)) < 0.02, np.float32(np.inf), np.float32(0.5))


@parametrize_with_checks(
    [
        Probe(),
        Probe(name="mel"),
        NanGuard(),
        NanGuard("report"),
        Case(NanGuard("zero", "decoder"), source=BAD),
        Histogram(),
        Histogram(-120, 0, 60, "db"),
        Spectrogram(sample_rate=8000, n_fft=64, hop_length=16),
        Spectrogram(None, 64, 100, sample_rate=8000),
        Stopwatch(Probe()),
        Stopwatch(Ahead(), name="ahead"),
        Case(Stopwatch(StreamableStack([Head(), Ahead()])), utterance={"count": 150}),
        Case(ProbeSequence(Lengths()), utterance={"tokens": np.arange(5), "text": "Hello."}),
    ]
)
def test_contract(case, check):
    check(case)


def test_a_stopwatch_looks_like_its_child():
    for child in (Ahead(), Head(), StreamableStack([Head(), Ahead()])):
        watch = Stopwatch(child)
        for name in ("needs", "head", "takes", "makes", "lookahead", "hop"):
            assert getattr(watch, name) == getattr(child, name), name


def test_the_schedule_passes_a_stopwatch():
    stack = StreamableStack([Stopwatch(Head()), Ahead()])
    first, *_ = stack.stream(iter(()), {"count": 100, "schedule": Schedule(first=8)})
    assert len(first) == 8 * 2, "eight frames and the lookahead of what follows"
