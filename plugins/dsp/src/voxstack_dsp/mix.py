"""The block ``Mix``, which adds streams."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from voxstack import Frames, StackError, StreamableBlock, Utterance
from voxstack.blocks import Available, field_path
from voxstack.streaming.closing import close_all
from voxstack.streaming.faults import pull
from voxstack.streaming.flow import Flow, common_chunk_sizes
from voxstack_dsp.checks import sample_chunks


@dataclass
class Mix(StreamableBlock):
    """Adds the samples, (samples,) float32, of several blocks, each with a gain.

    Blocks that begin a stream (a voice, a bed of sound) are pulled in turn. Those that read one all read the source of
    this block, which is pulled once: so an effect is mixed with the sound without it. Nothing is computed before it is
    needed: each block is pulled only where its samples are the ones missing. Events of all blocks are reported.

    :param blocks: what to add, in this order.
    :param gains_db: gain of each block, dB; by default 0.
    :param length: ``longest``: streams that are shorter are followed by silence; ``first``: all end with the first
        block.
    """

    blocks: list[StreamableBlock] = field(metadata={"minItems": 1, "maxItems": 64})
    gains_db: list[float] | None = None
    length: Literal["longest", "first"] = "longest"

    @property
    def needs(self) -> frozenset[str]:
        return frozenset().union(*(block.needs for block in self.blocks))

    @property
    def head(self) -> bool:
        return all(block.head for block in self.blocks)

    @property
    def takes(self) -> str | None:
        return next((block.takes for block in self._readers if block.takes), None)

    @property
    def makes(self) -> str | None:
        return "samples"

    @property
    def lookahead(self) -> int:
        return max((block.lookahead for block in self._readers), default=0)

    @property
    def lookback(self) -> int | None:
        backs = [block.lookback for block in self.blocks]
        known = [back for back in backs if back is not None]
        return max(known) if len(known) == len(backs) else None

    @property
    def hop(self) -> float:
        return (self._readers or self.blocks)[0].hop

    @property
    def chunk_sizes(self) -> tuple[int, ...]:
        return common_chunk_sizes([Flow(0, 1.0, block.chunk_sizes) for block in self._readers])

    def load(self, addon: object) -> None:
        self._factors()
        hops = {block.hop for block in self._readers}
        if len(hops) > 1:
            found = ", ".join(f"{type(block).__name__} {block.hop:g}" for block in self._readers)
            problem = f"they read one stream and must give as many samples each; steps for a step of it: {found}"
            raise StackError("blocks", f"{problem}; put what changes the rate before or after Mix")

    def check_needs(self, available: Available, path: str) -> Available:
        for index, block in enumerate(self.blocks):
            here = field_path(path, f"blocks[{index}]")
            block.check_needs(available, here)
            if block.makes not in (None, "samples"):
                raise StackError(here, f"{type(block).__name__} gives {block.makes!r}, and Mix adds samples")
        return available

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        shared = _Shared(source, len(self._readers))
        branches = (shared.branch(number) for number in itertools.count())
        own = utterance if self.lookback is not None else {**utterance, "skip": 0}
        streams = [pull(block, iter(()) if block.head else next(branches), own) for block in self.blocks]
        try:
            tracks = [
                _Track(sample_chunks(frames, "Mix"), factor)
                for frames, factor in zip(streams, self._factors(), strict=True)
            ]
            while (count := self._ready(tracks)) > 0:
                mixed = tracks[0].take(count)
                for track in tracks[1:]:
                    mixed = mixed + track.take(count)
                yield mixed
        finally:
            close_all(streams)

    @property
    def _readers(self) -> list[StreamableBlock]:
        return [block for block in self.blocks if not block.head]

    def _ready(self, tracks: list[_Track]) -> int:
        """Return how many samples all tracks have now, after pulling those that have none; 0 at the end."""
        counts = []
        for track in tracks:
            available = track.available()
            if not available and track is tracks[0] and self.length == "first":
                return 0
            if available:
                counts.append(available)
        return min(counts, default=0)

    def _factors(self) -> list[np.float32]:
        """Return the factor of each block.

        :raises StackError: if there is not one gain for each.
        """
        gains = [0.0] * len(self.blocks) if self.gains_db is None else self.gains_db
        if len(gains) != len(self.blocks):
            raise StackError("gains_db", f"{len(gains)} gains for {len(self.blocks)} blocks; write one for each")
        return [np.float32(10 ** (gain / 20)) for gain in gains]


class _Track:
    """A stream to be added, with the part of its last chunk that is left."""

    def __init__(self, frames: Frames, factor: np.float32) -> None:
        self._frames, self._factor = frames, factor
        self._left = np.zeros(0, np.float32)
        self._ended = False

    def available(self) -> int:
        """Return how many samples are left, after pulling a chunk if there are none; 0 at the end."""
        while not len(self._left) and not self._ended:
            chunk = next(self._frames, None)
            self._ended = chunk is None
            if chunk is not None:
                self._left = chunk * self._factor
        return len(self._left)

    def take(self, count: int) -> np.ndarray:
        """Return the next samples; silence after the end."""
        if not len(self._left):
            return np.zeros(count, np.float32)
        taken, self._left = self._left[:count], self._left[count:]
        return taken


class _Shared:
    """A stream that several blocks read, each at its own pace.

    :param count: of the blocks.
    """

    def __init__(self, source: Frames, count: int) -> None:
        self._source = source
        self._waiting: list[deque[np.ndarray]] = [deque() for _ in range(count)]

    def branch(self, number: int) -> Iterator[np.ndarray]:
        """Yield the chunks of the stream for one of them."""
        waiting = self._waiting[number]
        while True:
            if not waiting:
                chunk = next(self._source, None)
                if chunk is None:
                    return
                for queue in self._waiting:
                    queue.append(chunk)
            yield waiting.popleft()
