"""Names and shapes of the values that flow from block to block."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from voxstack.blocks import SequenceBlock
from voxstack.networks.network import Network
from voxstack.utterance import NAMES
from voxstack_addon_spec import NetworkSpec, Tensor
from voxstack_voice.display.nodes import Node, shortened, stream_name

MAX_NAMES = 4
"""Names on an arrow; further ones are counted."""


def arrow_labels(leaves: Sequence[Node]) -> list[list[str]]:
    """Return the lines on the arrow after each node, and before its successor; the last is that after the last."""
    known = _network_shapes(leaves)
    labels, stream = [], ""
    for index, node in enumerate(leaves):
        after = leaves[index + 1 :]
        if isinstance(node.block, SequenceBlock):
            labels.append(_given(node, after, known))
        else:
            stream = stream_name(node) or stream
            labels.append([_stream_label(node, after[:1], stream)] if stream else [])
    return labels


def _given(node: Node, after: Iterable[Node], known: dict[str, str]) -> list[str]:
    """Return the names that a sequence block gives and a later one needs, each with its shape."""
    assert isinstance(node.block, SequenceBlock), "others give streams"
    needed = {name for later in after for name in later.block.needs}
    gives = sorted(node.block.gives)
    names = [name for name in gives if name in needed] or gives
    names.sort(key=lambda name: name not in known)  # what networks read comes first
    lines = [shortened(f"{name} {known.get(name) or _documented_shape(name)}".rstrip()) for name in names[:MAX_NAMES]]
    return [*lines, f"and {len(names) - MAX_NAMES} more"] if len(names) > MAX_NAMES else lines


def _stream_label(node: Node, following: Sequence[Node], stream: str) -> str:
    for spec in (spec for other in following for spec in _specs(other)):
        if stream in spec.inputs:
            return f"{stream} {_shape(spec.inputs[stream], spec)}"
    for spec in _specs(node):
        if stream in spec.outputs and spec.autoregressive is None:
            return f"{stream} {_shape(spec.outputs[stream], spec)}"
    return f"{stream} (samples,) float32" if stream == "samples" else shortened(stream)


def _specs(node: Node) -> list[NetworkSpec]:
    return [network.spec for network in node.block.networks_opened if isinstance(network, Network)]


def _network_shapes(leaves: Iterable[Node]) -> dict[str, str]:
    """Return the shapes of the tensors of all networks by name; those of inputs come before those of outputs."""
    specs = [spec for node in leaves for spec in _specs(node)]
    outputs = {name: _shape(tensor, spec) for spec in specs for name, tensor in spec.outputs.items()}
    return outputs | {name: _shape(tensor, spec) for spec in specs for name, tensor in spec.inputs.items()}


def _shape(tensor: Tensor, spec: NetworkSpec) -> str:
    """Return the axes of a tensor without the batch, and its dtype."""
    axes = [str(axis) for axis in tensor.shape if axis != "batch"]
    if spec.streaming is not None:  # the form with states names the steps that come out by themselves
        axes = [spec.streaming.axis if axis == f"{spec.streaming.axis}_out" else axis for axis in axes]
    return f"({', '.join(axes)}{',' if len(axes) == 1 else ''}) {tensor.dtype}"


def _documented_shape(name: str) -> str:
    """Return the shape of a name that blocks share, as their table states it; empty if it states none."""
    found = re.match(r"\([^)]*\)(?: \w+\d+)?", NAMES[name].value) if name in NAMES else None
    return found[0] if found else ""
