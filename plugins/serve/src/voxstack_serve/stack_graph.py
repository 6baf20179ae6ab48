"""The stack of a voice as a graph for clients: nested blocks, and the networks that each of them runs."""

from __future__ import annotations

from typing import Any

from voxstack import SequenceBlock, StreamableBlock, Voice
from voxstack.blocks import Block, children
from voxstack.networks import Network


def stack_graph(voice: Voice) -> dict[str, Any]:
    """Return the blocks of a voice, and its networks in the context in which they are open.

    ``stack`` is the outermost block: ``path``, as in traces and errors, ``type``, ``kind``, ``networks`` by name, and
    ``blocks``, those inside; of streamable ones also ``makes``, ``hop`` (steps out per step in) and ``lookahead``.
    Of each network, the axes of its inputs and outputs, without the states that it carries.
    """
    networks: dict[str, Network] = {}
    stack = _node(voice.block, networks)
    rows = {name: _network(network) for name, network in sorted(networks.items())}
    return {"sample_rate": voice.sample_rate, "stack": stack, "networks": rows}


def _node(block: Block, found: dict[str, Network]) -> dict[str, Any]:
    own = {network.spec.name: network for network in block.networks_opened}
    found |= own
    node: dict[str, Any] = {"path": block.stack_path, "type": type(block).__name__}
    node["kind"] = "sequence" if isinstance(block, SequenceBlock) else "streamable"
    if isinstance(block, StreamableBlock):
        node |= {"makes": block.makes, "hop": block.hop, "lookahead": block.lookahead}
    return {**node, "networks": [*own], "blocks": [_node(inner, found) for _, inner in children(block, "")]}


def _network(network: Network) -> dict[str, Any]:
    effective, spec = network.effective, network.spec
    carried = {*spec.states, *(state.next for state in spec.states.values())}
    row = {name: getattr(effective, name) for name in ("role", "runtime", "device", "provider", "threads", "precision")}
    shapes = {"inputs": spec.inputs, "outputs": spec.outputs}
    axes = {
        side: {name: list(tensor.shape) for name, tensor in tensors.items() if name not in carried}
        for side, tensors in shapes.items()
    }
    return {**row, "form": effective.form, "sizes": {k: list(v) for k, v in effective.shapes.items()}, **axes}
