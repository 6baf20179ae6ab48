"""Input for blocks: sources that record what is read of them, and utterances that record what is required."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from voxstack.blocks import Frames
from voxstack.errors import VoxstackError
from voxstack.utterance import Utterance


class Recorder(Mapping[str, Any]):
    """An utterance that records which names were required of it, and which were read in any way."""

    def __init__(self, utterance: Utterance) -> None:
        self._utterance = dict(utterance)
        self._unpacking: list[str] = []
        self.required: set[str] = set()
        self.read: set[str] = set()

    def keys(self) -> KeysView[str]:
        # {**utterance} asks for the keys, then for each value: that is no need.
        self._unpacking = list(reversed(self._utterance))
        self.read.update(self._utterance)
        return self._utterance.keys()

    def items(self) -> ItemsView[str, Any]:
        self.read.update(self._utterance)
        return self._utterance.items()

    def __contains__(self, name: object) -> bool:
        return name in self._utterance

    def __getitem__(self, name: str) -> Any:
        if self._unpacking and self._unpacking[-1] == name:
            self._unpacking.pop()
        else:
            self._unpacking = []
            self.required.add(name)
        self.read.add(name)
        if name not in self._utterance:
            raise VoxstackError(f"the case has no {name!r}; add it to Case(utterance=...), and to the block's 'needs'")
        return self._utterance[name]

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return self._utterance.get(name, default)

    def __iter__(self) -> Iterator[str]:
        self.read.update(self._utterance)
        return iter(self._utterance)

    def __len__(self) -> int:
        return len(self._utterance)


class Source:
    """A stream that counts the chunks which were read of it, and may end with an error.

    :param error: raised after the last chunk.
    """

    def __init__(self, frames: np.ndarray, sizes: Iterable[int], error: BaseException | None = None) -> None:
        self.pulled = 0
        self.closed = False
        self._frames, self._sizes, self._error = frames, sizes, error

    def stream(self) -> Frames:
        """Yield the chunks, each with memory of its own."""
        try:
            for chunk in cut(self._frames, self._sizes, copy=True):
                self.pulled += 1
                yield chunk
            if self._error is not None:
                raise self._error
        finally:
            self.closed = True


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


def cut(frames: np.ndarray, sizes: Iterable[int], copy: bool = False) -> Frames:
    """Yield ``frames`` in chunks of these sizes, the last size repeated; copies are writable."""
    rest, size = iter(sizes), 1
    start = 0
    while start < len(frames):
        size = next(rest, size)
        chunk = frames[start : start + size]
        yield np.array(chunk) if copy else chunk
        start += size


def frozen(array: np.ndarray) -> np.ndarray:
    """Return a read-only copy."""
    copy = np.array(array)
    copy.flags.writeable = False
    return copy


def own_arrays(utterance: Utterance) -> dict[str, Any]:
    """Return the utterance with writable copies of its arrays."""
    return {name: np.array(value) if isinstance(value, np.ndarray) else value for name, value in utterance.items()}


def frozen_utterance(utterance: Utterance) -> Utterance:
    """Return the utterance, read-only, with read-only arrays."""
    return MappingProxyType(
        {name: frozen(value) if isinstance(value, np.ndarray) else value for name, value in utterance.items()}
    )
