"""Cases: a block with the input to run it on."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from voxstack.blocks import Block, Frames, StreamableBlock
from voxstack.errors import VoxstackError
from voxstack.streaming.schedule import Schedule
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
    """

    block: Block
    utterance: Utterance = field(default_factory=dict)
    source: np.ndarray | None = None
    tolerance: float = 0.0
    fewer: int = 0

    def frames(self, count: int | None = None) -> np.ndarray:
        """Return the first ``count`` steps of the source, repeated if necessary, read-only."""
        whole = self.source
        if whole is None:
            shape: tuple[int, ...] = (4000,) if self._wants_samples() else (97, 5)
            whole = np.random.default_rng(0).standard_normal(shape).astype(np.float32) * np.float32(0.3)
        count = len(whole) if count is None else count
        return frozen(np.concatenate([whole] * (count // max(1, len(whole)) + 1))[:count])

    def run(self, sizes: Iterable[int], total: int | None = None, schedule: Schedule | None = None) -> np.ndarray:
        """Return the joined output for the source cut into chunks of these sizes, the last one repeated."""
        assert isinstance(self.block, StreamableBlock)
        utterance = frozen_utterance({**self.utterance, **({"schedule": schedule} if schedule else {})})
        chunks = list(self.block.stream(cut(self.frames(total), sizes), utterance))
        return np.concatenate(chunks) if chunks else np.zeros(0, np.float32)

    def _wants_samples(self) -> bool:
        return isinstance(self.block, StreamableBlock) and (self.block.takes or self.block.makes) == "samples"


class Recorder(Mapping[str, Any]):
    """An utterance that records which names were required of it."""

    def __init__(self, utterance: Utterance) -> None:
        self._utterance = dict(utterance)
        self._unpacking: list[str] = []
        self.required: set[str] = set()

    def keys(self) -> KeysView[str]:
        # {**utterance} asks for the keys, then for each value: that is no need.
        self._unpacking = list(reversed(self._utterance))
        return self._utterance.keys()

    def items(self) -> ItemsView[str, Any]:
        return self._utterance.items()

    def __contains__(self, name: object) -> bool:
        return name in self._utterance

    def __getitem__(self, name: str) -> Any:
        if self._unpacking and self._unpacking[-1] == name:
            self._unpacking.pop()
        else:
            self._unpacking = []
            self.required.add(name)
        if name not in self._utterance:
            raise VoxstackError(f"the case has no {name!r}; add it to Case(utterance=...), and to the block's 'needs'")
        return self._utterance[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self._utterance.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._utterance)

    def __len__(self) -> int:
        return len(self._utterance)


def schedules(total: int) -> list[list[int]]:
    """Return chunk sizes that every streamable block must accept: ones, primes, random sizes, halves."""
    random = np.random.default_rng(total).integers(1, max(2, total // 3 + 2), 50)
    return [
        [1],
        [2, 3, 5, 7, 11, 13, 17, 19, 23],
        [int(size) for size in random],
        [max(1, total // 2)],
        [max(1, total - 1)],
    ]


def cut(frames: np.ndarray, sizes: Iterable[int]) -> Frames:
    """Yield ``frames`` in chunks of these sizes, the last size repeated."""
    rest, size = iter(sizes), 1
    start = 0
    while start < len(frames):
        size = next(rest, size)
        yield frames[start : start + size]
        start += size


def frozen(array: np.ndarray) -> np.ndarray:
    """Return a read-only copy."""
    copy = np.array(array)
    copy.flags.writeable = False
    return copy


def frozen_utterance(utterance: Utterance) -> Utterance:
    """Return the utterance, read-only, with read-only arrays."""
    return MappingProxyType(
        {name: frozen(value) if isinstance(value, np.ndarray) else value for name, value in utterance.items()}
    )
