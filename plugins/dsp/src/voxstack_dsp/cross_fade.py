"""The block ``CrossFade``, which joins two streams."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from voxstack import Frames, StackError, StreamableBlock, Utterance
from voxstack.blocks import Available, field_path
from voxstack.streaming.closing import close_all
from voxstack.streaming.faults import pull
from voxstack.streaming.flow import Flow, utterance_before
from voxstack.streaming.timeline import Timeline
from voxstack_dsp.checks import sample_chunks


@dataclass
class CrossFade(StreamableBlock):
    """Joins two streams of samples, (samples,) float32, each made by a block that begins one.

    The last ``fade_ms`` of the first and the first of the second overlap; of a stream that is shorter, all of it does.
    The second block is pulled when the first has ended. Events of the second move with it.

    :param first: begins the stream.
    :param second: goes on after it.
    :param sample_rate: sample rate of both, Hz.
    :param fade_ms: milliseconds in which they overlap.
    :param shape: ``power`` keeps the sum of their powers, for different sounds; ``linear`` keeps the sum of their
        amplitudes, for two versions of one.
    """

    first: StreamableBlock
    second: StreamableBlock
    sample_rate: int = field(metadata={"minimum": 1, "maximum": 384_000})
    fade_ms: float = field(default=20.0, metadata={"minimum": 0, "maximum": 60_000})
    shape: Literal["power", "linear"] = "power"

    head = True
    makes = "samples"

    @property
    def needs(self) -> frozenset[str]:
        return self.first.needs | self.second.needs

    def check_needs(self, available: Available, path: str) -> Available:
        for name, block in (("first", self.first), ("second", self.second)):
            here = field_path(path, name)
            block.check_needs(available, here)
            if not block.head:
                problem = f"{type(block).__name__} begins no stream; write all blocks from its head on, in a list"
                raise StackError(here, f'{problem}: {{"type": "StreamableStack", "stack": [...]}}')
            if block.makes not in (None, "samples"):
                raise StackError(here, f"{type(block).__name__} gives {block.makes!r}, and CrossFade joins samples")
        return available

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        fade = round(self.fade_ms * self.sample_rate / 1000)
        streams: list[Frames] = []
        try:
            own = utterance_before([Flow(fade, 1.0, ())], {**utterance, "skip": 0})
            streams.append(pull(self.first, iter(()), own))
            before = _HeldBack(fade, sample_chunks(streams[0], "CrossFade"))
            yield from before
            reported = Timeline(1.0)  # its seconds are samples
            later = {**utterance, "skip": 0, **({"timeline": reported} if "timeline" in utterance else {})}
            streams.append(pull(self.second, iter(()), later))
            beginning, rest = _beginning(len(before.tail), sample_chunks(streams[1], "CrossFade"))
            overlap = min(len(before.tail), len(beginning))
            offset = before.length - overlap
            _move(reported, utterance.get("timeline"), offset)
            joined = self._joined(before.tail, beginning, overlap)
            if len(joined):
                yield joined
            for chunk in rest:
                _move(reported, utterance.get("timeline"), offset)
                yield chunk
            _move(reported, utterance.get("timeline"), offset)
        finally:
            close_all(reversed(streams))

    def _joined(self, tail: np.ndarray, beginning: np.ndarray, overlap: int) -> np.ndarray:
        """Return the end of the first stream and the beginning of the second, of which ``overlap`` samples overlap."""
        rise = (np.arange(overlap) + 0.5) / max(1, overlap)
        fall = 1 - rise
        if self.shape == "power":
            rise, fall = np.sin(0.5 * math.pi * rise), np.cos(0.5 * math.pi * rise)
        kept = len(tail) - overlap
        both = tail[kept:] * fall + beginning[:overlap] * rise
        return np.concatenate([tail[:kept], both.astype(np.float32), beginning[overlap:]])


class _HeldBack(Iterator[np.ndarray]):
    """A stream but for its last samples.

    :param count: of the last samples.
    """

    def __init__(self, count: int, chunks: Frames) -> None:
        self.length, self.tail = 0, np.zeros(0, np.float32)
        """Samples of the whole stream, and the last ones of it, as far as it was read."""
        self._count, self._chunks = count, chunks

    def __next__(self) -> np.ndarray:
        while True:
            chunk = next(self._chunks)
            self.length += len(chunk)
            held = np.concatenate([self.tail, chunk])
            ready = max(0, len(held) - self._count)
            self.tail = held[ready:]
            if ready:
                return held[:ready]


def _beginning(count: int, chunks: Frames) -> tuple[np.ndarray, Frames]:
    """Return the chunks of a stream until they have ``count`` samples or it ends, joined, and the rest of it."""
    parts = [np.zeros(0, np.float32)]
    read = 0
    while read < max(1, count) and (chunk := next(chunks, None)) is not None:
        parts.append(chunk)
        read += len(chunk)
    return np.concatenate(parts), chunks


def _move(reported: Timeline, timeline: Timeline | None, offset: int) -> None:
    """Pass on the events of the second stream, at their places in the whole."""
    if timeline is not None:
        for event in reported.take(math.inf):
            timeline.add(event.kind, event.text, event.start + offset, event.duration, event.span)
