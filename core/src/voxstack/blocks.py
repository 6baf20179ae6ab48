"""The two abstractions that every stack is made of: sequence blocks and streamable blocks."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from voxstack.display import Displayed
from voxstack.errors import StackError
from voxstack.utterance import Utterance

if TYPE_CHECKING:
    from voxstack.networks.network import Network
    from voxstack_addon_spec import AddonFiles, NetworkSpec

Frames = Iterator[np.ndarray]
"""Chunks of a stream, time on axis 0: (frames, features) or (samples,), pulled one at a time."""

Available = Mapping[str, str]
"""Names that an utterance has at some place of a stack, each with the path of the block that gives it."""


class Resources(Protocol):
    """The part of an addon that a block may use in :meth:`Block.load`; see :class:`voxstack.networks.addon.Addon`."""

    name: str
    config: dict[str, Any]
    networks: dict[str, NetworkSpec]
    files: AddonFiles

    def select(self, name: str | None, role: str) -> NetworkSpec: ...
    def select_all(self, names: Iterable[str] | None, role: str) -> list[NetworkSpec]: ...
    def network(self, name: str, context: str | None = None) -> Network: ...
    def stream_network(self, name: str, context: str | None = None) -> Network: ...
    def file(self, name: str) -> Path: ...


class Block(Displayed, ABC):
    """A dataclass whose fields are its JSON configuration.

    After :meth:`load` a block never changes: the state of an utterance lives in local variables, so one block serves
    any number of utterances at once.
    """

    stack_path: str = ""
    """Where the block stands in the stack that it was built from, for errors."""

    networks_opened: tuple[Any, ...] = ()
    """Every :class:`.Network` that it opened in :meth:`load`; the interpreter sets it."""

    @property
    def needs(self) -> frozenset[str]:
        """Names that the block requires in the utterance."""
        return frozenset()

    @property
    def limits(self) -> Mapping[str, int]:
        """After loading: the most steps that the block and its children accept of each name they read.

        Where networks have fixed sizes, text is cut so that no part of it has more. Empty: no limit.
        """
        return tightest_limits(child.limits for _, child in children(self, ""))

    def load(self, addon: Resources) -> None:
        """Open what the addon provides (networks, tables). Called once, before use, after ``load`` of child blocks."""

    def check_needs(self, available: Available, path: str) -> Available:
        """Check, after loading, that this block and its children find what they need.

        :param available: the names that the utterance has before this block.
        :returns: the names that it has after this block.
        :raises StackError: naming this place and those that give other names.
        """
        for name in sorted(self.needs - available.keys()):
            problem = f"{type(self).__name__} needs {name!r}, and nothing before it gives that; put what does before it"
            raise StackError(path, f"{problem}: {describe_available(available)}")
        for child_path, child in children(self, path):
            child.check_needs(available, child_path)
        return available

    def check_lexicon(self, lexicon: Any) -> bool:
        """Return whether this block or a child reads words by the ``lexicon`` of a request, which was checked then.

        :param lexicon: see the hook ``voxstack_lexicon``.
        :raises RequestError: for a pronunciation that the block cannot read, with its place.
        """
        accepted = [child.check_lexicon(lexicon) for _, child in children(self, "")]
        return any(accepted)


class SequenceBlock(Block):
    """A block that runs once per utterance, on the whole of it."""

    @property
    def gives(self) -> frozenset[str]:
        """Names that the block adds to the utterance."""
        return frozenset()

    @abstractmethod
    def __call__(self, utterance: Utterance) -> Utterance:
        """Return the entries that this block adds; never change the utterance itself."""

    def check_needs(self, available: Available, path: str) -> Available:
        super().check_needs(available, path)
        return {**available, **dict.fromkeys(self.gives, f"{path} ({type(self).__name__})")}


class StreamableBlock(Block):
    """A block that produces chunks on demand; all state of an utterance lives in the generator."""

    @property
    def head(self) -> bool:
        """True if the block starts a stream from the utterance alone and never reads its source."""
        return False

    @property
    def takes(self) -> str | None:
        """Name of the stream that the block reads (``frames``, ``mel``, ``samples``, ...), or None for any."""
        return None

    @property
    def makes(self) -> str | None:
        """Name of the stream that the block yields, or None for the one that it takes."""
        return None

    @property
    def makes_features(self) -> Mapping[str, int]:
        """Features of each step that it yields, by what they come from, for errors; empty: not known."""
        return {}

    @property
    def lookahead(self) -> int:
        """Steps of its source that the block reads beyond the step it yields."""
        return 0

    @property
    def lookback(self) -> int | None:
        """Steps of its source before the step it yields that the block depends on; None: it may be all.

        A block with a number may yield anything as the first steps, which the utterance's ``skip`` counts.
        """
        return None

    @property
    def hop(self) -> float:
        """Output steps per source step."""
        return 1.0

    @property
    def output_rate(self) -> int | None:
        """Sample rate of the samples that it yields, Hz, or None for that of its source."""
        return None

    @property
    def chunk_sizes(self) -> tuple[int, ...]:
        """The only numbers of new source steps that the block accepts at a time, ascending; empty: any."""
        return ()

    @abstractmethod
    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        """Yield chunks on demand.

        Read at most one chunk ahead; never write into a received chunk; yield the rest after the source has ended.
        However the source is cut, the joined chunks are the same.
        """


class StreamableWrapper(StreamableBlock):
    """A streamable block around another one, ``inner``, whose needs, streams, hop and lookahead it passes on."""

    @property
    @abstractmethod
    def inner(self) -> StreamableBlock:
        """The wrapped block."""

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
    def output_rate(self) -> int | None:
        return self.inner.output_rate

    @property
    def chunk_sizes(self) -> tuple[int, ...]:
        return self.inner.chunk_sizes


def tightest_limits(limits: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the smallest limit of each name."""
    tightest: dict[str, int] = {}
    for own in limits:
        for name, limit in own.items():
            tightest[name] = min(limit, tightest.get(name, limit))
    return tightest


def children(block: Block, path: str) -> Iterator[tuple[str, Block]]:
    """Yield (path, block) of each block in the fields of ``block``."""
    if not dataclasses.is_dataclass(block):
        return
    for field in dataclasses.fields(block):
        if not field.init:
            continue
        value = getattr(block, field.name)
        if isinstance(value, Block):
            yield field_path(path, field.name), value
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, Block):
                    yield field_path(path, f"{field.name}[{index}]"), item


def field_path(path: str, field: str) -> str:
    """Return the path of a field; the list at the top of a stack has the empty path."""
    return f"{path}.{field}" if path else field


def describe_available(available: Available) -> str:
    """Return what the request and each earlier block give, for errors."""
    names: dict[str, list[str]] = {}
    for name, path in available.items():
        names.setdefault(path, []).append(repr(name))
    rows = [f"{path} gives {', '.join(given)}" for path, given in names.items()]
    return "; ".join(rows) or "nothing is given here"
