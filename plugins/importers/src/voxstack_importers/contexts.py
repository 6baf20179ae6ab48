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


def fixed_contexts(networks: Mapping[str, Any], progress: Progress = lambda line: None) -> dict[str, Any]:
    """Return the contexts ``fixed`` and ``npu``, or those of them that are exact for all these networks.

    Each axis of a network needs a mask, without which nothing shorter than a size can be padded. Sizes are declared for
    all networks in ``shapes``, and again in ``networks`` for each whose windows have another context.

    :param networks: as in addon.json, measured.
    :param progress: called with a line that says why there are none.
    """
    sizes: dict[str, Sizes] = {}
    grows = False
    for name, network in networks.items():
        found = _sizes(network)
        if found is None:
            axes = ", ".join(repr(axis) for axis in _unmasked(network))
            progress(f"{name}: has no mask for {axes}, so the voice gets no contexts with fixed sizes")
            return {}
        sizes[name] = found
        grows = grows or bool(_axes(network) - found.keys() - {"batch"})
    fixed = _context({"runtime": "onnx", "device": "cpu"}, sizes, networks)
    contexts = {"fixed": {**fixed, "description": "Tensors of a few sizes, as accelerators want them."}}
    if not grows:
        npu = _context({"runtime": "openvino", "device": "NPU", "precision": "float16"}, sizes, networks)
        contexts["npu"] = {**npu, "description": "A neural processor, with tensors of a few sizes."}
    return contexts


def _context(place: Mapping[str, Any], sizes: Mapping[str, Sizes], networks: Mapping[str, Any]) -> dict[str, Any]:
    """Return a context: the sizes of the last network with an axis are those of all that need no others."""
    common: dict[str, Any] = {axis: list(lengths) for own in sizes.values() for axis, lengths in own.items()}
    if any(_axes(network) == {"batch"} for network in networks.values()):
        common["batch"] = [1]
    others = {
        name: {**place, "shapes": {axis: list(lengths) for axis, lengths in own.items()}}
        for name, own in sizes.items()
        if any(common[axis] != list(lengths) for axis, lengths in own.items())
    }
    context = {**place, "shapes": common, "schedule": {"largest": CHUNKS[-1]}}
    return {**context, "networks": others} if others else context


def _sizes(network: Mapping[str, Any]) -> Sizes | None:
    """Return sizes for the axes of a network that can have some, other than its batch; None if one has no mask."""
    if _unmasked(network):
        return None
    streaming = network.get("streaming", {})
    around = streaming.get("left", 0) + streaming.get("right", 0)
    windows = [chunk + around for chunk in CHUNKS]
    return {axis: windows if axis == streaming.get("axis") else TOKENS for axis in _masked(network)}


def _unmasked(network: Mapping[str, Any]) -> list[str]:
    """Return the axes that grow with the text and have no mask."""
    grown = {axis for name in network.get("autoregressive", {}).get("states", {}) for axis in _shape(network, name)}
    return sorted(_axes(network) - {"batch"} - grown - set(_masked(network)))


def _masked(network: Mapping[str, Any]) -> list[str]:
    return [tensor["shape"][-1] for tensor in network["inputs"].values() if tensor.get("mask")]


def _axes(network: Mapping[str, Any]) -> set[str]:
    return {axis for name in network["inputs"] for axis in _shape(network, name)}


def _shape(network: Mapping[str, Any], name: str) -> list[str]:
    return [axis for axis in network["inputs"][name]["shape"] if isinstance(axis, str)]
