"""What the networks of voices take in memory, those that they share counted once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from voxstack.networks.addon import Addon
from voxstack_addon_spec import open_addon

MEMORY_PER_BYTE = 1.5
"""Bytes in memory for a byte on disk, as measured of networks in ONNX Runtime (``tests/benchmarks/voices.py``): it keeps some weights
twice, as they are and in the order in which it multiplies."""

MEMORY_PER_BYTE_OF_HALVES = 2 * MEMORY_PER_BYTE
"""The same where weights lie there in half precision: it computes with them in single."""

Weights = dict[object, int]
"""Bytes by what they are of: a network in a context, the same wherever it is shared."""


def weights_of(addon: Addon) -> Weights:
    """Return what the networks of an addon take, in bytes, wherever they are opened in its context.

    Both forms of a network that streams have the same weights. It is an estimate by the sizes of files, of which none is read;
    what a runtime needs while it computes comes on top.
    """
    made: Weights = {}
    for name, spec in addon.networks.items():
        holder, own = _holder(addon, name)
        largest = max(sum(holder["files"][file]["size"] for file in files) for files in spec.exports.values())
        halves = holder["networks"][own].get("measured", {}).get("weights") == "float16"
        factor = MEMORY_PER_BYTE_OF_HALVES if halves else MEMORY_PER_BYTE
        made[spec.digest, spec.trusted, addon.context.for_network(name, spec.role).key()] = round(factor * largest)
    return made


def _holder(addon: Addon, name: str) -> tuple[Mapping[str, Any], str]:
    """The addon.json that has a network and lists its files, and its name there."""
    network = addon.config["networks"][name]
    if "addon" not in network:
        return addon.config, name
    return open_addon(addon.registry.addon(network["addon"])).config, network["network"]


def total(parts: Iterable[Weights]) -> int:
    """Bytes of all of them together."""
    together: Weights = {}
    for part in parts:
        together |= part
    return sum(together.values())
