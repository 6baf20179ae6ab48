"""What the networks of voices take in memory, those that they share counted once."""

from __future__ import annotations

from collections.abc import Iterable

from voxstack.addon import Addon

MEMORY_PER_BYTE = 3.0
"""Bytes in memory for a byte on disk, as measured of networks in ONNX Runtime (``tests/benchmarks/voices.py``): it keeps weights in
half precision as they are, and computes with them in single."""

Weights = dict[object, int]
"""Bytes by what they are of: a network in a context, the same wherever it is shared."""


def weights_of(addon: Addon) -> Weights:
    """Return what the networks of an addon take, in bytes, wherever they are opened in its context.

    Both forms of a network that streams have the same weights. It is an estimate by the sizes of files; what a runtime needs
    while it computes comes on top.
    """
    made: Weights = {}
    for name, spec in addon.networks.items():
        context = addon.context.for_network(name, spec.role)
        largest = max(sum(spec.path(file).stat().st_size for file in files) for files in spec.exports.values())
        made[spec.digest, context.key()] = round(MEMORY_PER_BYTE * largest)
    return made


def total(parts: Iterable[Weights]) -> int:
    """Bytes of all of them together."""
    together: Weights = {}
    for part in parts:
        together |= part
    return sum(together.values())
