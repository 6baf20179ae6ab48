"""Golden vectors of a network: inputs, and the outputs that every runtime must reproduce."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from voxstack.networks import NetworkSpec
from voxstack_packager.errors import PackagingError
from voxstack_packager.measure.exactness import relative_error
from voxstack_packager.signature import Arrays, MakeExamples, complete_inputs, fit_examples


def golden_path(name: str) -> str:
    """Return the file of the golden vectors of a network in its addon."""
    return f"golden/{name}.npz"


def write_golden_vectors(path: Path, inputs: Arrays, outputs: Arrays) -> None:
    """Write one example: arrays ``inputs.NAME`` and ``outputs.NAME``."""
    path.parent.mkdir(exist_ok=True)
    arrays: dict[str, Any] = {f"inputs.{name}": array for name, array in inputs.items()}
    arrays |= {f"outputs.{name}": array for name, array in outputs.items()}
    np.savez_compressed(path, **arrays)
    with np.load(path, allow_pickle=False) as golden:
        assert relative_error({name: golden[f"outputs.{name}"] for name in outputs}, outputs) == 0


def golden_examples(path: Path, spec: NetworkSpec) -> MakeExamples:
    """Return a function that fits the inputs of golden vectors to any size.

    The function raises a :class:`PackagingError` if there are no golden vectors.
    """

    def examples(sizes: Mapping[str, int], seed: int) -> dict[str, np.ndarray]:
        if not path.is_file():
            problem = f"has no golden vectors ({path.name}) to take examples from; package it again"
            raise PackagingError(spec.name, problem)
        with np.load(path, allow_pickle=False) as golden:
            inputs = {name: golden[f"inputs.{name}"] for name, tensor in spec.inputs.items() if not tensor.mask}
        return complete_inputs(fit_examples(inputs, spec, sizes, seed, spec.name), spec, sizes, spec.name)

    return examples
