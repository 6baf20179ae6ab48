"""Entries of a network in addon.json."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voxstack.networks import Autoregressive, NetworkSpec, Runner, Tensor
from voxstack_packager.measure.output_lengths import output_lengths
from voxstack_packager.signature import MakeExamples


def tensors_entry(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return ``inputs`` or ``outputs``."""
    return {
        name: {"dtype": tensor.dtype, "shape": list(tensor.shape), **({"mask": True} if tensor.mask else {})}
        for name, tensor in tensors.items()
    }


def autoregressive_entry(steps: Autoregressive, states: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``autoregressive``.

    :param states: its ``states``.
    """
    optional = {"attention": steps.attention, "noise": dict(steps.noise)}
    entry = {"frames": steps.frames, "stop": steps.stop, "states": dict(states)}
    return {**entry, **{key: value for key, value in optional.items() if value}}


def lengths_entry(name: str, spec: Mapping[str, Any], run: Runner, examples: MakeExamples) -> dict[str, Any]:
    """Return ``{"lengths": ...}`` of the output axes whose length nothing else states; empty without any.

    :param spec: the entry of the network without ``lengths``.
    """
    signature = NetworkSpec.of(name, {**spec, "exports": []}, "", Path, trusted=False)
    lengths = {
        axis: length
        for axis, length in output_lengths(run, signature, examples).items()
        if signature.length(axis) is None
    }
    return {"lengths": lengths} if lengths else {}
