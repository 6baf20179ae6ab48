"""The two abstractions that everything else is made of."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack.errors import StackError

if TYPE_CHECKING:
    from voxstack.addon import Addon

Utterance = Mapping[str, Any]
"""One utterance by name: ``text`` and the request's controls, then what sequence blocks add (``tokens``, ``durations``, ...)."""

Frames = Iterator[np.ndarray]
"""Chunks of a stream, time on axis 0: (frames, features) or (samples,), pulled one at a time."""

Given = Mapping[str, str]
"""Names that an utterance has at some place of a stack, each with the path of what gave it."""


class Block(ABC):
    """A dataclass whose fields are its JSON configuration.

    After :meth:`load` a block never changes: what belongs to an utterance lives in local variables, so one block serves any
    number of utterances at once.
    """

    stack_path: str = ""
    """Where the block stands in the stack that it was built from, for errors."""

    @property
    def needs(self) -> frozenset[str]:
        """Names that the block reads from the utterance and cannot do without."""
        return frozenset()

    @property
    def limits(self) -> Mapping[str, int]:
        """After loading: the most steps that the block and its children take of what they read from the utterance, by name.

        Where networks have fixed sizes, a text has to be cut so that no part of it has more. Empty: any length goes.
        """
        return least(child.limits for _, child in children(self, ""))

    def load(self, addon: Addon) -> None:
        """Open what the addon provides (networks, tables). Called once, before use, after the same call on child blocks."""

    def check_needs(self, given: Given, path: str) -> Given:
        """Check, after loading, that this block and its children find what they need, and return what there is behind it.

        :param given: what the utterance has when it comes here.
        :raises StackError: naming this place and those that give something else.
        """
        for name in sorted(self.needs - given.keys()):
            raise StackError(
                path, f"{type(self).__name__} needs {name!r}, and nothing before it gives that\n{told(given)}"
            )
        for child_path, child in children(self, path):
            child.check_needs(given, child_path)
        return given


class SequenceBlock(Block):
    """Turns a whole utterance into something more, in one go."""

    @property
    def gives(self) -> frozenset[str]:
        """Names that the block adds to the utterance."""
        return frozenset()

    @abstractmethod
    def __call__(self, utterance: Utterance) -> Utterance:
        """Return what this block adds; the utterance itself is never changed."""

    def check_needs(self, given: Given, path: str) -> Given:
        super().check_needs(given, path)
        return {**given, **dict.fromkeys(self.gives, f"{path} ({type(self).__name__})")}


class StreamableBlock(Block):
    """Makes chunks on demand; all state of an utterance lives in the generator."""

    @property
    def head(self) -> bool:
        """Whether the block starts a stream from the utterance alone and never reads its source."""
        return False

    @property
    def takes(self) -> str | None:
        """Name of the stream that the block reads (``frames``, ``mel``, ``samples``, ...), or None for any."""
        return None

    @property
    def makes(self) -> str | None:
        """Name of the stream that the block gives, or None for the same as it takes."""
        return None

    @property
    def lookahead(self) -> int:
        """Steps of its source that the block waits for, beyond the one it gives out."""
        return 0

    @property
    def hop(self) -> float:
        """Steps given out for each step of the source."""
        return 1.0

    @property
    def chunk_sizes(self) -> tuple[int, ...]:
        """The only numbers of new steps of its source that the block can take at a time, ascending; empty: any."""
        return ()

    @abstractmethod
    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        """Yield chunks as they are asked for.

        Pull what is needed, at most one chunk ahead of that; never write into what was handed over; give the rest after the
        source has ended. However the source is cut, the joined chunks are the same.
        """


class StreamableWrapper(StreamableBlock):
    """A streamable block around another one, ``inner``: from outside it needs, takes, makes and waits for what that does."""

    @property
    @abstractmethod
    def inner(self) -> StreamableBlock:
        """The block inside."""

    @property
    def needs(self) -> frozenset[str]:
        return self.inner.needs

    @property
    def head(self) -> bool:
        return self.inner.head

    @property
    def takes(self) -> str | None:
        return self.inner.takes

    @property
    def makes(self) -> str | None:
        return self.inner.makes

    @property
    def lookahead(self) -> int:
        return self.inner.lookahead

    @property
    def hop(self) -> float:
        return self.inner.hop

    @property
    def chunk_sizes(self) -> tuple[int, ...]:
        return self.inner.chunk_sizes


def least(limits: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """What all of several limits let through: of each name the smallest."""
    found: dict[str, int] = {}
    for own in limits:
        for name, most in own.items():
            found[name] = min(most, found.get(name, most))
    return found


def close(frames: Frames) -> None:
    """End a stream now, and not when it is found to be unused; iterators that are no generators have nothing to end."""
    if isinstance(frames, Generator):
        frames.close()


def children(block: Block, path: str) -> Iterator[tuple[str, Block]]:
    """Yield (path, block) of each block in the fields of ``block``."""
    if not dataclasses.is_dataclass(block):
        return
    for field in dataclasses.fields(block):
        if not field.init:
            continue
        value = getattr(block, field.name)
        if isinstance(value, Block):
            yield at(path, field.name), value
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, Block):
                    yield at(path, f"{field.name}[{index}]"), item


def at(path: str, field: str) -> str:
    """The path of a field; the list at the top of an addon has the empty path."""
    return f"{path}.{field}" if path else field


def told(given: Given) -> str:
    """Say what there is, for errors."""
    rows = [f"  {path} gives {name!r}" for name, path in given.items()]
    return "\n".join(rows or ["  nothing is given here"])
