"""Blocks that keep the contract, for tests of the kit; the bad ones are made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from voxstack import Schedule, SequenceBlock, StreamableBlock, StreamableStack, windows
from voxstack.testing import Case


@dataclass
class Half(StreamableBlock):
    """Halves the stream.

    :param factor: of what is left.
    """

    factor: float = 0.5

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield chunk * np.float32(self.factor)


@dataclass
class Blur(StreamableBlock):
    """Sums three steps of the past and two of the future."""

    lookahead = 2
    lookback = 3

    def stream(self, source: Any, utterance: Any) -> Any:
        for frames, skip, size, _ in windows(source, 3, 2):
            padded = np.pad(frames, [(3, 2)] + [(0, 0)] * (frames.ndim - 1))
            yield sum(padded[i : i + len(frames)] for i in range(6))[skip : skip + size]


@dataclass
class Twice(StreamableBlock):
    """Gives every step twice."""

    hop = 2.0
    lookback = 0

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield np.repeat(chunk, 2, axis=0)


@dataclass
class Count(StreamableBlock):
    """Starts a stream of numbers, each of which is an event."""

    needs = frozenset({"total"})
    head = True
    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        start = 0
        total, timeline = utterance["total"], utterance.get("timeline")
        for size in utterance.get("schedule", Schedule()).sizes():
            if start >= total:
                return
            stop = min(total, start + size)
            if timeline is not None:
                timeline.add("count", str(start), start, stop - start)
            yield np.arange(start, stop, dtype=np.float32)
            start = stop


@dataclass
class Length(SequenceBlock):
    """Gives the length of the text."""

    needs = frozenset({"text"})
    gives = frozenset({"length"})

    def __call__(self, utterance: Any) -> Any:
        return {"length": len(utterance["text"]) * utterance.get("rate", 1)}


GOOD = [
    Half(),
    Half(0.25),
    Blur(),
    Twice(),
    StreamableStack([Blur(), Twice(), Half()]),
    Case(Count(), {"total": 50}),
    Case(Length(), {"text": "abc"}),
]
