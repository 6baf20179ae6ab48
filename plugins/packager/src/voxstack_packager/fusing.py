"""Several networks as one: fewer calls, and one graph in which a runtime, or a chip, sees all of them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack import VoxstackError
from voxstack.networks import NetworkSpec, Runner
from voxstack_packager.errors import PackagingError
from voxstack_packager.export.shared_weights import save_with_external_data
from voxstack_packager.fused_graph import fused_lengths, fused_signature, in_order, join_models
from voxstack_packager.golden_vectors import golden_path, write_golden_vectors
from voxstack_packager.json_entries import tensors_entry
from voxstack_packager.measure.deviation import deviation
from voxstack_packager.measure.measured import check_error, measure_basics, measure_invariances
from voxstack_packager.runners import onnx_runner
from voxstack_packager.signature import (
    Arrays,
    MakeExamples,
    Signature,
    complete_inputs,
    default_sizes,
    fit_examples,
)
from voxstack_packager.sources import Examples

if TYPE_CHECKING:
    from onnx import ModelProto

PARTS_LIMIT = 1e-6
"""Largest difference of an output from that of its part that is accepted, relative to its scale."""

OTHER_OUTPUT = "produces another output than the networks that it joins"


def fuse(
    networks: Sequence[NetworkSpec],
    name: str,
    folder: str | os.PathLike[str],
    *,
    role: str | None = None,
    examples: Examples | None = None,
    progress: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Join networks into one, write its files, and return its entry in addon.json.

    The whole has the inputs of all networks, those of one name once, and all their outputs. An output that another
    network reads by the same name goes straight there. ``NAME.onnx`` contains all weights; if weights of a part are
    beside its symbol, they are in ``NAME.onnx.data``, and equal ones are written once.

    :param networks: from ``Addon.networks``, each with an ONNX export; none of them streams.
    :param role: purpose of the network; by default the role that its parts have in common.
    :param examples: inputs to measure with, as in ``NetworkSource``; by default the golden vectors of the parts.
    :raises PackagingError: stating why the networks cannot be joined, or how far the whole differs from its parts.
    """
    order = in_order(networks, name)
    signature, lengths = fused_signature(order, name), fused_lengths(order, name)
    role = role or _common_role(order, name)
    make_examples = _make_examples(order, signature, examples, name)
    # in a folder of its own, so that a refused network leaves nothing behind
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder) as scratch:
        export = _write(join_models(order, name), order, Path(scratch, f"{name}.onnx"))
        measured = _measure(Path(scratch), export, order, signature, make_examples, name)
        Path(folder, "golden").mkdir(exist_ok=True)
        for file in [path for path in Path(scratch).rglob("*") if path.is_file()]:
            file.replace(Path(folder, file.relative_to(scratch)))
    progress(f"{name}: {' + '.join(spec.name for spec in order)}; {json.dumps(measured)}")
    entry: dict[str, Any] = {
        "role": role,
        "inputs": tensors_entry(signature.inputs),
        "outputs": tensors_entry(signature.outputs),
    }
    return {**entry, **({"lengths": lengths} if lengths else {}), "exports": [export], "measured": measured}


def _common_role(order: Sequence[NetworkSpec], name: str) -> str:
    roles = sorted({spec.role for spec in order})
    if len(roles) > 1:
        raise PackagingError(name, f"joins networks of the roles {roles}; set 'role' to its purpose")
    return roles[0]


def _write(model: ModelProto, order: Sequence[NetworkSpec], path: Path) -> dict[str, str]:
    """Write the files, and return their entry of ``exports``."""
    if any(len(spec.exports["onnx"]) > 1 for spec in order):
        return save_with_external_data(path, model)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return {"format": "onnx", "symbol": path.name}


def _run_parts(order: Sequence[NetworkSpec]) -> Runner:
    """Return a function that runs the parts one after the other."""
    runs = [(spec, onnx_runner(spec.export("onnx", "onnx"))) for spec in order]

    def run(**arrays: np.ndarray) -> Mapping[str, np.ndarray]:
        outputs: dict[str, np.ndarray] = {}
        for spec, part in runs:
            outputs.update(part(**{key: outputs[key] if key in outputs else arrays[key] for key in spec.inputs}))
        return outputs

    return run


def _make_examples(
    order: Sequence[NetworkSpec], signature: Signature, examples: Examples | None, name: str
) -> MakeExamples:
    available = _golden_inputs(order, signature, name) if examples is None else examples

    def make(sizes: Mapping[str, int], seed: int) -> Arrays:
        if callable(available):
            arrays = available(np.random.default_rng(seed), sizes)
        else:
            arrays = fit_examples(available, signature, sizes, seed, name)
        return complete_inputs(arrays, signature, sizes, name)

    return make


def _golden_inputs(order: Sequence[NetworkSpec], signature: Signature, name: str) -> Arrays:
    """Return the inputs of the whole from the golden vectors of its parts, except for masks."""
    inputs: dict[str, np.ndarray] = {}
    for spec in order:
        try:
            with np.load(spec.path(golden_path(spec.name)), allow_pickle=False) as golden:
                for key, tensor in spec.inputs.items():
                    if key in signature.inputs and not tensor.mask and key not in inputs:
                        inputs[key] = golden[f"inputs.{key}"]
        except (OSError, KeyError, VoxstackError) as error:
            problem = f"{spec.name!r} has no golden vectors to take examples from ({error}); provide 'examples'"
            raise PackagingError(name, problem) from error
    return inputs


def _measure(
    folder: Path,
    export: Mapping[str, str],
    order: Sequence[NetworkSpec],
    signature: Signature,
    examples: MakeExamples,
    name: str,
) -> dict[str, Any]:
    """Return the ``measured`` of the whole, and write its golden vectors.

    :raises PackagingError: if it does not run, or an error is above its limit.
    """
    try:
        run, parts = onnx_runner(folder / export["symbol"]), _run_parts(order)
        basics = measure_basics(name, run, signature, examples)
        parts_error = check_error(name, deviation(run, parts, signature, examples), PARTS_LIMIT, OTHER_OUTPUT)
        invariances = measure_invariances(name, run, signature, examples)
        inputs = examples(default_sizes(signature), 7)
        write_golden_vectors(folder / golden_path(name), inputs, run(**inputs))
    except VoxstackError:
        raise
    except Exception as error:  # the errors of ONNX Runtime have no class in common
        raise PackagingError(name, f"does not run: {error}") from error
    return {**basics, "parts_error": parts_error, **invariances}
