"""How far the blocks behind the head of a stack look ahead, without opening a network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from voxstack import Registry, StreamableBlock
    from voxstack.streaming.flow import Flow


class Lookahead(NamedTuple):
    """Frames of the head that are made before the first comes out of the stack, and how long they last."""

    frames: int
    milliseconds: float


def lookahead(config: Mapping[str, Any], networks: Mapping[str, Any], registry: Registry) -> Lookahead | None:
    """Return what the stack of an addon.json waits for; None if it has none, or a block or a network of it is not known here.

    :param networks: its own, and those that it borrows, as far as they are known.
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
    """What each block does to the steps that flow through it, from the head on.

    :raises LookupError: for a block whose network is not known or does not stream.
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
    streaming = network.get("stateful", network)[
        "streaming"
    ]  # with state where there is that form, as contexts have it unless asked
    yield Flow(streaming["right"], float(streaming["hop"]), ())


def _only_decoder(networks: Mapping[str, Any]) -> Mapping[str, Any]:
    found: list[Mapping[str, Any]] = [network for network in networks.values() if network["role"] == "decoder"]
    return found[0]
