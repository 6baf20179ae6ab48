"""Contexts with fixed sizes for imported voices, chosen by what their networks can compute exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from voxstack_importers.importers import Progress

TOKENS = (128, 256, 448, 1024)
"""Sizes of texts: half of all sentences fit the first two; what is longer than the last is cut."""

CHUNKS = (24, 64, 192)
"""New frames of the windows of a stream; its sizes are longer by the context that each network sees."""

Sizes = Mapping[str, Sequence[int]]
"""Sizes by axis."""


ANYWHERE: Mapping[str, Any] = {"runtime": "onnx", "device": "cpu"}
"""Where networks run whose states grow from step to step, which have no fixed sizes."""


def fixed_contexts(networks: Mapping[str, Any], progress: Progress = lambda line: None) -> dict[str, Any]:
    """Return the contexts ``fixed`` and ``npu``, or none if they would not be exact for one of these networks.

    Each axis of a network needs a mask, without which nothing shorter than a size can be padded. Sizes are declared for
    all networks in ``shapes``, and again in ``networks`` for each whose windows have another context. A network with
    states that grow runs at any length on the processor.

    :param networks: as in addon.json, measured.
    :param progress: called with a line that says why there are none.
    """
    for name, network in networks.items():
        axes = ", ".join(repr(axis) for axis in _unmasked(network))
        if axes:
            progress(f"{name}: has no mask for {axes}, so the voice gets no contexts with fixed sizes")
            return {}
    fixed = _context({"runtime": "onnx", "device": "cpu"}, networks)
    npu = _context({"runtime": "openvino", "device": "NPU", "precision": "float16"}, networks)
    return {
        "fixed": {**fixed, "description": "Tensors of a few sizes, as accelerators want them."},
        "npu": {**npu, "description": "A neural processor, with tensors of a few sizes."},
    }


def _context(place: Mapping[str, Any], networks: Mapping[str, Any]) -> dict[str, Any]:
    """Return a context: the sizes of the last network with an axis are those of all that need no others."""
    growing = {name for name, network in networks.items() if _grown(network)}
    sizes = {name: _sizes(network) for name, network in networks.items() if name not in growing}
    common: dict[str, Any] = {axis: list(lengths) for own in sizes.values() for axis, lengths in own.items()}
    if any(_axes(network) == {"batch"} for network in networks.values()):
        common["batch"] = [1]
    others = {
        name: {**place, "shapes": {axis: list(lengths) for axis, lengths in own.items()}}
        for name, own in sizes.items()
        if any(common[axis] != list(lengths) for axis, lengths in own.items())
    }
    others |= {name: dict(ANYWHERE) for name in sorted(growing)}
    context = {**place, "shapes": common, "schedule": {"largest": CHUNKS[-1]}}
    return {**context, "networks": others} if others else context


def _sizes(network: Mapping[str, Any]) -> Sizes:
    """Return sizes for the axes of a network that have a mask."""
    streaming = network.get("streaming", {})
    around = streaming.get("left", 0) + streaming.get("right", 0)
    windows = [chunk + around for chunk in CHUNKS]
    return {axis: windows if axis == streaming.get("axis") else TOKENS for axis in _masked(network)}


def _unmasked(network: Mapping[str, Any]) -> list[str]:
    """Return the axes that grow with the text and have no mask."""
    return sorted(_axes(network) - {"batch"} - _grown(network) - set(_masked(network)))


def _grown(network: Mapping[str, Any]) -> set[str]:
    """Return the axes of states."""
    states = network.get("autoregressive", {}).get("states", {})
    return {axis for name in states for axis in _shape(network, name)} - {"batch"}


def _masked(network: Mapping[str, Any]) -> list[str]:
    return [tensor["shape"][-1] for tensor in network["inputs"].values() if tensor.get("mask")]


def _axes(network: Mapping[str, Any]) -> set[str]:
    return {axis for name in network["inputs"] for axis in _shape(network, name)}


def _shape(network: Mapping[str, Any], name: str) -> list[str]:
    return [axis for axis in network["inputs"][name]["shape"] if isinstance(axis, str)]
