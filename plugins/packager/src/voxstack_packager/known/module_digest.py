"""The identity of a torch module: the program that it computes, and its weights."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxstack_packager.errors import PackagingError
from voxstack_packager.export.materialized import materialize
from voxstack_packager.export.torch_export import dynamic_shapes, example_arguments, silence
from voxstack_packager.export.torch_recurrences import free_recurrences
from voxstack_packager.golden_vectors import golden_path
from voxstack_packager.measure.exactness import relative_error
from voxstack_packager.measure.measured import SOURCE_LIMIT
from voxstack_packager.runners import module_runner, ordered_module
from voxstack_packager.signature import axis_sizes, complete_inputs
from voxstack_packager.sources import NetworkSource

if TYPE_CHECKING:
    from torch import nn
    from torch.export import ExportedProgram


def module_digest(source: NetworkSource) -> str | None:
    """Return a hash of the program that torch traces in a module, and of its weights.

    The source code does not count, nor do other modules in its files: only what is computed. None if torch cannot
    trace the module, or it has states of its own, whose examples it computes itself.
    """
    import torch

    if source.states or isinstance(source.module, torch.jit.ScriptModule):
        return None
    signature = source.signature
    try:
        arguments = example_arguments(signature, source.example_inputs, source.name)
        shapes = {"tensors": tuple(dynamic_shapes(signature))}
        with silence(), torch.no_grad(), free_recurrences():  # each is one operator of the program, at once
            program = torch.export.export(_ordered(source), arguments, dynamic_shapes=shapes, strict=False)
    except Exception:  # packaging it reports what is wrong
        return None
    return _program_digest(program)


def computes_the_same(source: NetworkSource, folder: Path) -> bool:
    """Return whether a module produces the golden vectors of its network in a folder.

    A program is traced with one example; another size may take another way through a module.
    """
    signature = source.signature
    with np.load(folder / golden_path(source.name), allow_pickle=False) as golden:
        arrays = {name: golden[name] for name in golden.files}
    given = {name: arrays[f"inputs.{name}"] for name in signature.inputs if f"inputs.{name}" in arrays}
    try:
        inputs = complete_inputs(given, signature, axis_sizes(given, signature), source.name)
        outputs = module_runner(_ordered(source), signature)(**inputs)
        expected = {name: arrays[f"outputs.{name}"] for name in outputs}
        return relative_error(outputs, expected) <= SOURCE_LIMIT
    except (PackagingError, RuntimeError, KeyError):
        return False


def _ordered(source: NetworkSource) -> nn.Module:
    core = materialize(source.module, source.half, source.name)
    return ordered_module(core, list(source.signature.inputs), list(source.signature.outputs))


def _program_digest(program: ExportedProgram) -> str:
    from torch import Tensor, uint8

    digest = hashlib.sha256()
    for name, part in program.graph_module.named_modules():
        graph = getattr(part, "graph", None)
        if graph is not None:
            digest.update(f"{name}\n{graph}\n".encode())
    digest.update(f"{program.graph_signature}\n{program.range_constraints}\n".encode())
    for name, value in sorted({**program.state_dict, **program.constants}.items()):
        if not isinstance(value, Tensor):
            digest.update(f"{name} {value!r};".encode())
            continue
        digest.update(f"{name} {value.dtype} {tuple(value.shape)};".encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(uint8).numpy().tobytes())
    return digest.hexdigest()
