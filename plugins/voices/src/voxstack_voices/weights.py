"""Estimates of the memory that the networks of voices take; networks that voices share are counted once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from voxstack.networks.addon import Addon
from voxstack_addon_spec import open_addon

MEMORY_PER_BYTE = 1.5
"""Bytes in memory per byte on disk, as measured of networks in ONNX Runtime (``tests/benchmarks/voices.py``).

It keeps some weights twice: as they are, and in the order in which it multiplies.
"""

MEMORY_PER_HALF_PRECISION_BYTE = 2 * MEMORY_PER_BYTE
"""Bytes in memory per byte on disk of weights in half precision: ONNX Runtime computes in single precision."""

Weights = dict[object, int]
"""Bytes in memory by network and context: equal keys are one network in memory, whichever voices share it."""


def weights_of(addon: Addon) -> Weights:
    """Return the memory in bytes that the networks of an addon take once they are opened in its context.

    Both forms of a network that streams have the same weights. The estimate is based on the sizes of files, none of
    which is read; what a runtime needs while it computes comes on top.
    """
    weights: Weights = {}
    for name, spec in addon.networks.items():
        owner, own_name = _owner(addon, name)
        largest = max(sum(owner["files"][file]["size"] for file in files) for files in spec.exports.values())
        halves = owner["networks"][own_name].get("measured", {}).get("weights") == "float16"
        factor = MEMORY_PER_HALF_PRECISION_BYTE if halves else MEMORY_PER_BYTE
        weights[spec.digest, spec.trusted, addon.context.for_network(name, spec.role).key()] = round(factor * largest)
    return weights


def _owner(addon: Addon, name: str) -> tuple[Mapping[str, Any], str]:
    """Return the addon.json that owns a network and lists its files, and the name of the network in it."""
    network = addon.config["networks"][name]
    if "addon" not in network:
        return addon.config, name
    return open_addon(addon.registry.addon(network["addon"])).config, network["network"]


def total(parts: Iterable[Weights]) -> int:
    """Return the bytes of all parts together."""
    together: Weights = {}
    for part in parts:
        together |= part
    return sum(together.values())
