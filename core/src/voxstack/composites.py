"""Blocks made of blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from graphlib import CycleError

from voxstack.blocks import (
    Available,
    Frames,
    Resources,
    SequenceBlock,
    StreamableBlock,
    StreamableWrapper,
    field_path,
)
from voxstack.errors import NetworkError, StackError
from voxstack.ordering import dependencies, execution_order, missing_needs
from voxstack.streaming.closing import close_all
from voxstack.streaming.faults import explain_misfit, pull
from voxstack.streaming.flow import Flow, common_chunk_sizes, total_lookahead, total_lookback, utterance_before
from voxstack.streaming.tracing import run
from voxstack.utterance import Utterance


@dataclass
class SequenceBlockContainer(SequenceBlock):
    """Runs sequence blocks in the order that their needs dictate; each sees the utterance and all earlier results.

    :param blocks: in any order. Blocks that both need and give a name (they change it) run in the order of the list.
    """

    blocks: list[SequenceBlock]
    _ordered: list[int] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def needs(self) -> frozenset[str]:
        return missing_needs((block.needs, block.gives) for block in self._in_order())

    @property
    def gives(self) -> frozenset[str]:
        return frozenset().union(*(block.gives for block in self.blocks))

    def load(self, addon: Resources) -> None:
        self._ordered = order(self.blocks)

    def __call__(self, utterance: Utterance) -> Utterance:
        added: dict[str, object] = {}
        for block in self._in_order():
            added.update(run(block, {**utterance, **added}))
        return added

    def check_needs(self, available: Available, path: str) -> Available:
        for index in self._ordered or range(len(self.blocks)):
            available = self.blocks[index].check_needs(available, field_path(path, f"blocks[{index}]"))
        return available

    def _in_order(self) -> list[SequenceBlock]:
        return [self.blocks[i] for i in (self._ordered or order(self.blocks))]


@dataclass
class StreamableStack(StreamableBlock):
    """Chains streams: each block pulls from the one before it.

    :param stack: from the head of the stream to its end.
    """

    stack: list[StreamableBlock] = field(metadata={"minItems": 1})
    _loaded_flows: list[Flow] | None = field(default=None, init=False, repr=False, compare=False)

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
        return total_lookahead(self._flows(), 0)

    @property
    def lookback(self) -> int | None:
        return 0 if self.head else total_lookback(self._flows())

    @property
    def hop(self) -> float:
        return math.prod(block.hop for block in self.stack)

    @property
    def output_rate(self) -> int | None:
        return next((block.output_rate for block in reversed(self.stack) if block.output_rate), None)

    @property
    def chunk_sizes(self) -> tuple[int, ...]:
        return common_chunk_sizes(self._flows())

    def load(self, addon: Resources) -> None:
        self._loaded_flows = [Flow.of(block) for block in self.stack]

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        streams: list[Frames] = []
        flows = self._flows()
        for index, block in enumerate(self.stack):
            own = utterance_before(flows[index + 1 :], utterance)
            if flows[index].lookback is None and "skip" in own:
                own = {**own, "skip": 0}
            source = pull(block, source, own)
            streams.append(source)
        try:
            yield from source
        except NetworkError as error:
            explain_misfit(error, self.stack)
            raise
        finally:
            close_all(reversed(streams))

    def check_needs(self, available: Available, path: str) -> Available:
        stream, maker = None, ""
        for index, block in enumerate(self.stack):
            here = field_path(path, f"stack[{index}]")
            name = type(block).__name__
            block.check_needs(available, here)
            if index and block.head:
                problem = f"{name} starts a stream of its own and would not read what comes before it; put it first"
                raise StackError(here, problem)
            if stream and block.takes and stream != block.takes:
                raise StackError(here, f"{name} takes {block.takes!r}, but {maker} gives {stream!r}")
            if block.makes:
                stream, maker = block.makes, f"{here} ({name})"
        return available

    def _flows(self) -> list[Flow]:
        return self._loaded_flows or [Flow.of(block) for block in self.stack]


@dataclass
class StreamablePipeline(StreamableWrapper):
    """One sequence block, and one streamable block that reads its results.

    It is a streamable block itself, so a whole pipeline can stand wherever one can.

    :param sequence_block: runs once, when the first chunk is requested.
    :param streamable_block: sees the utterance with all that the sequence block added.
    """

    sequence_block: SequenceBlock
    streamable_block: StreamableBlock

    @property
    def inner(self) -> StreamableBlock:
        return self.streamable_block

    @property
    def lookback(self) -> int | None:
        return self.inner.lookback

    @property
    def needs(self) -> frozenset[str]:
        return self.sequence_block.needs | (self.streamable_block.needs - self.sequence_block.gives)

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        added = run(self.sequence_block, utterance)
        yield from pull(self.streamable_block, source, {**utterance, **added})

    def check_needs(self, available: Available, path: str) -> Available:
        after = self.sequence_block.check_needs(available, field_path(path, "sequence_block"))
        self.streamable_block.check_needs(after, field_path(path, "streamable_block"))
        return available


def order(blocks: Sequence[SequenceBlock]) -> list[int]:
    """Return the indices of ``blocks`` in an order in which each finds what it needs.

    :raises StackError: where two blocks make the same name without needing it, or blocks need each other.
    """

    def place(index: int) -> str:
        return f"blocks[{index}] ({type(blocks[index]).__name__})"

    def clash(one: int, two: int, name: str) -> StackError:
        return StackError(f"blocks[{two}]", f"both {place(one)} and {place(two)} give {name!r}; keep one of them")

    before = dependencies([(block.needs, block.gives) for block in blocks], clash)
    try:
        return execution_order(before)
    except CycleError as error:
        cycle = " -> ".join(place(index) for index in error.args[1])
        raise StackError("blocks", f"these need each other: {cycle}; remove one of these needs") from error
