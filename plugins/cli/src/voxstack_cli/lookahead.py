"""Lookahead of a stack after its head, computed without opening a network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from voxstack import Registry, StreamableBlock
    from voxstack.streaming.flow import Flow


class Lookahead(NamedTuple):
    """Frames that the head produces before the first audio leaves the stack, and their duration."""

    frames: int
    milliseconds: float


def stack_lookahead(config: Mapping[str, Any], networks: Mapping[str, Any], registry: Registry) -> Lookahead | None:
    """Return the lookahead of the stack of an addon.json.

    :param config: content of the addon.json.
    :param networks: specs of the addon's own networks, and of borrowed ones whose lenders are installed.
    :returns: None if there is no stack, or a block of it is not installed, or a network of it is not in ``networks``.
    """
    from voxstack import VoxstackError, build
    from voxstack.streaming.flow import total_lookahead

    if not config.get("stack"):
        return None
    try:
        flows = list(_flows(build(config["stack"], registry=registry), networks))
    except (VoxstackError, LookupError):
        return None
    frames = total_lookahead(flows, 0)
    return Lookahead(frames, 1000 * frames * math.prod(flow.hop for flow in flows) / config["sample_rate"])


def _flows(block: StreamableBlock, networks: Mapping[str, Any]) -> Iterator[Flow]:
    """Yield the flow of each block in ``block``, from the head on.

    :raises LookupError: for a block whose network is not in ``networks`` or does not stream.
    """
    from voxstack import StreamableBlock
    from voxstack.blocks import children
    from voxstack.streaming.flow import Flow

    inner = [child for _, child in children(block, "") if isinstance(child, StreamableBlock)]
    for child in inner:
        yield from _flows(child, networks)
    if inner:
        return
    if block.head or not hasattr(block, "network"):
        yield Flow.of(block)
        return
    network = networks[block.network] if block.network else _only_decoder(networks)
    streaming = network.get("stateful", network)["streaming"]  # contexts use the stateful form by default
    yield Flow(streaming["right"], float(streaming["hop"]), ())


def _only_decoder(networks: Mapping[str, Any]) -> Mapping[str, Any]:
    decoders: list[Mapping[str, Any]] = [network for network in networks.values() if network["role"] == "decoder"]
    return decoders[0]
