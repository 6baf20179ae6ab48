"""The blocks of a stack as nodes: their lines of text, their networks, and what flows from each to the next."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from voxstack.blocks import Block, SequenceBlock, StreamableBlock, children
from voxstack.composites import SequenceBlockContainer, order
from voxstack.errors import VoxstackError
from voxstack.networks.network import Network
from voxstack.streaming.tracing import BlockTime, Trace

if TYPE_CHECKING:
    from voxstack_addon_spec import NetworkSpec

MAX_TEXT = 60
"""Characters of a line: addons may hold texts of any length."""


@dataclasses.dataclass
class NetworkNode:
    """A network that a block opened; ``lines`` say where and how it runs."""

    name: str
    lines: list[str]


@dataclasses.dataclass
class Node:
    """A block of a stack.

    :param kind: ``sequence`` or ``streamable``.
    :param lines: its fields that are not as by default, and its measured times.
    :param inner: the blocks in it, in the order in which data flows.
    """

    block: Block
    path: str
    name: str
    kind: str
    lines: list[str]
    networks: list[NetworkNode]
    inner: list[Node]

    @property
    def title(self) -> str:
        """Its name and lines as one line."""
        return ", ".join([self.name, *self.lines])

    def leaves(self) -> Iterator[Node]:
        """Yield the blocks without inner ones, in the order in which data flows."""
        if not self.inner:
            yield self
        for node in self.inner:
            yield from node.leaves()


def node_of(block: Block, trace: Trace | None = None) -> Node:
    """Return a block as a node, with the times of a trace."""
    times = {} if trace is None else {time.path: time for time in trace.blocks()}
    return _node(block, block.stack_path, times, _network_times(trace))


def _node(block: Block, path: str, times: Mapping[str, BlockTime], calls: Mapping[str, list[float]]) -> Node:
    inner = [_node(child, child_path, times, calls) for child_path, child in _in_flow_order(block, path)]
    lines = [shortened(f"{name} {_plain(value)}") for name, value in _changed_fields(block)]
    if (time := times.get(block.stack_path or path)) is not None:
        first = f", {1e3 * time.first:.1f} before first audio" if time.first else ""
        lines.append(f"{1e3 * time.seconds:.1f} ms in {_count(time.calls, 'call')}{first}")
    networks = [_network_node(network, calls) for network in block.networks_opened if isinstance(network, Network)]
    kind = "sequence" if isinstance(block, SequenceBlock) else "streamable"
    own = (block, block.stack_path or path, shortened(type(block).__name__), kind)
    if inner and _works_itself(block, inner):
        return Node(*own, [], [], [*inner, Node(*own, lines, networks, [])])
    return Node(*own, lines, networks, inner)


def _works_itself(block: Block, inner: list[Node]) -> bool:
    """Return whether a block with inner ones does more than run them: it is drawn in itself, after them."""
    if block.networks_opened:
        return True
    if isinstance(block, SequenceBlock):
        given = (node.block.gives for node in inner if isinstance(node.block, SequenceBlock))
        return not block.gives <= frozenset().union(*given)
    streams = [node.block for node in inner if isinstance(node.block, StreamableBlock)]
    makes = block.makes if isinstance(block, StreamableBlock) else None
    return not streams or (makes is not None and makes != streams[-1].makes)


def _in_flow_order(block: Block, path: str) -> list[tuple[str, Block]]:
    found = list(children(block, path))
    if isinstance(block, SequenceBlockContainer):
        try:
            return [found[index] for index in order(block.blocks)]
        except VoxstackError:  # a stack that was not built is drawn as it is written
            return found
    return found


def _changed_fields(block: Block) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a block that differ from their defaults and are no blocks."""
    if not dataclasses.is_dataclass(block):
        return
    for field in dataclasses.fields(block):
        value = getattr(block, field.name, None)
        blocks = isinstance(value, Block) or (isinstance(value, list) and any(isinstance(v, Block) for v in value))
        if not field.init or blocks or value == field.default:
            continue
        if field.default_factory is dataclasses.MISSING or value != field.default_factory():
            yield field.name, value


def _plain(value: Any) -> str:
    try:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return repr(value)


def _network_node(network: Network, calls: Mapping[str, list[float]]) -> NetworkNode:
    effective, spec = network.effective, network.spec
    threads = "" if effective.threads == 1 else f", {effective.threads} threads"
    lines = [f"{effective.runtime}:{effective.device}, {effective.precision}{threads}", streaming_line(spec)]
    lines += [f"{axis} {'/'.join(map(str, sizes))} only" for axis, sizes in effective.shapes.items()]
    lines += [f"up to {effective.batch} calls as one"] if effective.batch > 1 else []
    if spec.name in calls:
        times = calls[spec.name]
        lines.append(f"{1e3 * sum(times):.1f} ms in {_count(len(times), 'call')}")
    return NetworkNode(shortened(spec.name), [shortened(line) for line in lines])


def streaming_line(spec: NetworkSpec) -> str:
    """Return how a network runs along a stream, in a line."""
    steps, streaming = spec.autoregressive, spec.streaming
    if steps is not None:
        return f"step by step, {_count(len(spec.states), 'state')}"
    if streaming is None:
        return "on the whole utterance"
    hop = "" if streaming.hop == 1 else f", {streaming.hop:g} out per step in"
    if spec.states:
        return f"{_count(len(spec.states), 'state')}, {streaming.right} {streaming.axis} ahead{hop}"
    return f"windows: {streaming.left} before, {streaming.right} ahead{hop}"


def _network_times(trace: Trace | None) -> dict[str, list[float]]:
    """Return the seconds of the calls of each network, if the trace has them."""
    found: dict[str, list[float]] = {}
    for event in getattr(trace, "events", ()):
        if event.category == "network":
            found.setdefault(event.name, []).append(event.seconds)
    return found


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def shortened(text: str) -> str:
    """Return a text as a single line of at most ``MAX_TEXT`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_TEXT else f"{line[: MAX_TEXT - 1]}…"


def stream_name(node: Node) -> str | None:
    """Return the name of the stream that a node makes, or None."""
    return node.block.makes if isinstance(node.block, StreamableBlock) else None
