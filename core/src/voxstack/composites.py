"""Blocks made of blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, NamedTuple

from voxstack.blocks import Frames, Given, SequenceBlock, StreamableBlock, StreamableWrapper, Utterance, at, close
from voxstack.errors import StackError
from voxstack.schedule import Schedule
from voxstack.timeline import Timeline

if TYPE_CHECKING:
    from voxstack.addon import Addon


@dataclass
class SequenceBlockContainer(SequenceBlock):
    """Runs sequence blocks in the order that their needs dictate; each sees the utterance and all that was made before it.

    :param blocks: in any order. Blocks that both need and give a name (they change it) run in the order of the list.
    """

    blocks: list[SequenceBlock]
    _ordered: list[int] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def needs(self) -> frozenset[str]:
        given: set[str] = set()
        needed: set[str] = set()
        for block in self._in_order():
            needed |= block.needs - given
            given |= block.gives
        return frozenset(needed)

    @property
    def gives(self) -> frozenset[str]:
        return frozenset().union(*(block.gives for block in self.blocks))

    def load(self, addon: Addon) -> None:
        self._ordered = order(self.blocks)

    def __call__(self, utterance: Utterance) -> Utterance:
        made: dict[str, object] = {}
        for block in self._in_order():
            made.update(block({**utterance, **made}))
        return made

    def check_needs(self, given: Given, path: str) -> Given:
        for index in self._ordered or range(len(self.blocks)):
            given = self.blocks[index].check_needs(given, at(path, f"blocks[{index}]"))
        return given

    def _in_order(self) -> list[SequenceBlock]:
        return [self.blocks[i] for i in (self._ordered or order(self.blocks))]


@dataclass
class StreamableStack(StreamableBlock):
    """Chains streams: each block pulls from the one before it.

    :param stack: from the head of the stream to its end.
    """

    stack: list[StreamableBlock] = field(metadata={"minItems": 1})
    _known: list[Flow] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def needs(self) -> frozenset[str]:
        return frozenset().union(*(block.needs for block in self.stack))

    @property
    def head(self) -> bool:
        return self.stack[0].head

    @property
    def takes(self) -> str | None:
        return self.stack[0].takes

    @property
    def makes(self) -> str | None:
        return next((block.makes for block in reversed(self.stack) if block.makes), None)

    @property
    def lookahead(self) -> int:
        return lookahead_of(self._flows(), 0)

    @property
    def hop(self) -> float:
        return math.prod(block.hop for block in self.stack)

    @property
    def chunk_sizes(self) -> tuple[int, ...]:
        return sizes_of(self._flows())

    def load(self, addon: Addon) -> None:
        self._known = [Flow.of(block) for block in self.stack]

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        streams: list[Frames] = []
        flows = self._flows()
        for index, block in enumerate(self.stack):
            source = block.stream(source, _seen_from(flows[index + 1 :], utterance))
            streams.append(source)
        try:
            yield from source
        finally:
            for frames in reversed(streams):
                close(frames)

    def check_needs(self, given: Given, path: str) -> Given:
        stream, maker = None, ""
        for index, block in enumerate(self.stack):
            here = at(path, f"stack[{index}]")
            name = type(block).__name__
            block.check_needs(given, here)
            if index and block.head:
                raise StackError(
                    here, f"{name} starts a stream of its own and would not read what comes before it; put it first"
                )
            if stream and block.takes and stream != block.takes:
                raise StackError(here, f"{name} takes {block.takes!r}, but {maker} gives {stream!r}")
            if block.makes:
                stream, maker = block.makes, f"{here} ({name})"
        return given

    def _flows(self) -> list[Flow]:
        return self._known or [Flow.of(block) for block in self.stack]


class Flow(NamedTuple):
    """What a block does to the steps that flow through it, once it is loaded."""

    lookahead: int
    hop: float
    chunk_sizes: tuple[int, ...]

    @classmethod
    def of(cls, block: StreamableBlock) -> Flow:
        return cls(block.lookahead, block.hop, block.chunk_sizes)


def lookahead_of(flows: Sequence[Flow], behind: int) -> int:
    """Steps that neighbours in a stack wait for, when what follows them waits for ``behind``."""
    for flow in reversed(flows):
        behind = flow.lookahead + math.ceil(behind / flow.hop)
    return behind


def sizes_of(flows: Sequence[Flow]) -> tuple[int, ...]:
    """The only numbers of new steps that neighbours in a stack can all take at a time, counted at the first; empty: any.

    Where several have fixed sizes, each of them by itself, a chunk fits the smallest sizes of all, or the next, and so on.
    """
    hop, lists = 1.0, []
    for flow in flows:
        if flow.chunk_sizes:
            lists.append([max(1, math.floor(size / hop)) for size in flow.chunk_sizes])
        hop *= flow.hop
    return tuple(dict.fromkeys(min(sizes) for sizes in zip(*lists, strict=False)))


def _seen_from(behind: Sequence[Flow], utterance: Utterance) -> Utterance:
    """The utterance of a block that has these behind it: with its own view of the schedule and of time."""
    schedule: Schedule = utterance.get("schedule", Schedule())
    timeline: Timeline | None = utterance.get("timeline")
    hop = math.prod(flow.hop for flow in behind)
    own = {**utterance, "schedule": schedule.before(lookahead_of(behind, schedule.lookahead), hop, sizes_of(behind))}
    if timeline is not None:
        own["timeline"] = timeline.within(hop=hop)
    return own


@dataclass
class StreamablePipeline(StreamableWrapper):
    """One sequence block, and one streamable block that draws on what it made.

    It is a streamable block itself, so a whole pipeline can stand wherever one can.

    :param sequence_block: runs once, when the first chunk is asked for.
    :param streamable_block: sees the utterance with all that the sequence block made.
    """

    sequence_block: SequenceBlock
    streamable_block: StreamableBlock

    @property
    def inner(self) -> StreamableBlock:
        return self.streamable_block

    @property
    def needs(self) -> frozenset[str]:
        return self.sequence_block.needs | (self.streamable_block.needs - self.sequence_block.gives)

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        made = self.sequence_block(utterance)
        yield from self.streamable_block.stream(source, {**utterance, **made})

    def check_needs(self, given: Given, path: str) -> Given:
        made = self.sequence_block.check_needs(given, at(path, "sequence_block"))
        self.streamable_block.check_needs(made, at(path, "streamable_block"))
        return given


def order(blocks: list[SequenceBlock]) -> list[int]:
    """Return the numbers of ``blocks`` in an order in which each finds what it needs.

    :raises StackError: where two blocks make the same name from nothing, or blocks need each other.
    """
    graph: dict[int, set[int]] = {index: set() for index in range(len(blocks))}
    makers: dict[str, int] = {}
    for index, block in enumerate(blocks):
        for name in block.gives - block.needs:
            other = makers.setdefault(name, index)
            if other != index:
                one, two = (f"blocks[{i}] ({type(blocks[i]).__name__})" for i in (other, index))
                raise StackError(f"blocks[{index}]", f"both {one} and {two} give {name!r}; keep one of them")
    for index, block in enumerate(blocks):
        for earlier, giver in enumerate(blocks):
            for name in block.needs & giver.gives if earlier != index else ():
                changes = name in giver.needs
                if not changes or name not in block.gives or earlier < index:
                    graph[index].add(earlier)
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        ring = " -> ".join(f"blocks[{i}] ({type(blocks[i]).__name__})" for i in error.args[1])
        raise StackError("blocks", f"these need each other: {ring}") from error
