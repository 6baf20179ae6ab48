"""Cases: a block with the input to run it on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from voxstack.blocks import Block, Frames, StreamableBlock
from voxstack.streaming.schedule import Schedule
from voxstack.testing.feeding import cut, frozen, own_arrays
from voxstack.testing.judging import Memo
from voxstack.utterance import Utterance


@dataclass
class Case:
    """A block with the input to run it on.

    :param block: loaded, if it loads anything.
    :param utterance: the entries that it reads.
    :param source: the whole stream that a streamable block reads, time on axis 0; by default noise. The head of a
        stream ignores it.
    :param tolerance: how far the output may depend on how the stream is cut, relative to the largest
        value; 0: bit-exact.
    :param fewer: output steps that the stream lacks of what ``hop`` says, as the block leaves out its last ones.
    :param longest: the most steps of a source that fit the utterance; None: any number does.
    :param streams: the most streams that the clause on growth runs; it takes no longer than half a second, in which a
        simple block runs more than a thousand.
    """

    block: Block
    utterance: Utterance = field(default_factory=dict)
    source: np.ndarray | None = None
    tolerance: float = 0.0
    fewer: int = 0
    longest: int | None = None
    streams: int = 1000
    memo: Memo = field(default_factory=Memo, init=False, repr=False, compare=False)

    @property
    def streamable(self) -> StreamableBlock:
        """The block, which the clause takes for a streamable one."""
        assert isinstance(self.block, StreamableBlock)
        return self.block

    def frames(self, count: int | None = None) -> np.ndarray:
        """Return the first ``count`` steps of the source, repeated if necessary, read-only."""
        whole = self.source
        if whole is None:
            shape: tuple[int, ...] = (4000,) if self.wants_samples else (97, 5)
            whole = np.random.default_rng(0).standard_normal(shape).astype(np.float32) * np.float32(0.3)
        count = len(whole) if count is None else count
        count = count if self.longest is None else min(count, self.longest)
        return frozen(np.concatenate([whole] * (count // max(1, len(whole)) + 1))[:count])

    def own_utterance(self, **more: Any) -> dict[str, Any]:
        """Return the utterance with arrays of its own, which the block may write into without any effect."""
        return own_arrays({**self.utterance, **more})

    def chunks(
        self, sizes: Iterable[int], total: int | None = None, *, frames: np.ndarray | None = None, **more: Any
    ) -> list[np.ndarray]:
        """Return copies of the chunks that come out, each taken when it was yielded.

        :param sizes: of the chunks of the source, the last one repeated.
        :param total: steps of the source; by default all of them.
        :param frames: another source.
        :param more: further entries of the utterance.
        """
        source = self.frames(total) if frames is None else frames
        stream = self.streamable.stream(cut(source, sizes, copy=True), self.own_utterance(**more))
        return [np.array(chunk) for chunk in stream]

    def run(
        self, sizes: Iterable[int], total: int | None = None, schedule: Schedule | None = None, **more: Any
    ) -> np.ndarray:
        """Return the joined output for the source cut into chunks of these sizes, the last one repeated."""
        return joined(self.chunks(sizes, total, **(more if schedule is None else {**more, "schedule": schedule})))

    def exercise(self, utterance: Utterance | None = None) -> None:
        """Run the block once on the whole input, for its effects."""
        utterance = self.own_utterance() if utterance is None else utterance
        if isinstance(self.block, StreamableBlock):
            for _ in self.block.stream(cut(self.frames(), [16], copy=True), utterance):
                pass
        else:
            call(self.block, utterance)

    @property
    def wants_samples(self) -> bool:
        """True if the source is samples."""
        return isinstance(self.block, StreamableBlock) and (self.block.takes or self.block.makes) == "samples"


def call(block: Block, utterance: Utterance) -> Mapping[str, Any]:
    """Return what a sequence block gives."""
    run: Callable[[Utterance], Mapping[str, Any]] = block  # type: ignore[assignment]
    return run(utterance)


def joined(chunks: list[np.ndarray]) -> np.ndarray:
    """Return the chunks as one array; without any, an empty one."""
    chunks = [chunk for chunk in chunks if len(chunk)] or chunks
    return np.concatenate(chunks) if chunks else np.zeros(0, np.float32)


def last_of(stream: Frames, count: int) -> None:
    """Pull at most ``count`` chunks."""
    for _, _ in zip(range(count), stream, strict=False):
        pass
