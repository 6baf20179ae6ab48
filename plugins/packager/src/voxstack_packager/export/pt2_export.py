"""Exports as ``.pt2``, torch's own format: a few kilobytes, as their weights are in the file of the ONNX export."""

from __future__ import annotations

import copy
import itertools
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from voxstack_packager.errors import PackagingError
from voxstack_packager.export.float16_weights import store_parameters_as_float16
from voxstack_packager.export.padded_sequences import with_padded_sequences
from voxstack_packager.export.shared_weights import weight_offsets
from voxstack_packager.export.torch_export import dynamic_shapes, example_arguments, explain_failure, silence
from voxstack_packager.export.torch_recurrences import free_recurrences, use_padded_recurrences
from voxstack_packager.export.weight_table import TABLE, table_row
from voxstack_packager.runners import ordered_module
from voxstack_packager.signature import MakeExamples, SignatureLike

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.export import ExportedProgram

DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can represent


class SharedWeight(NamedTuple):
    """A parameter or buffer in the file of weights: its names in the module, and its row of the table."""

    names: list[str]
    tensor: Tensor
    row: dict[str, Any]


def export_pt2(
    name: str,
    core: nn.Module,
    signature: SignatureLike,
    examples: MakeExamples,
    symbol: Path,
    parameters: Path,
    half: bool,
) -> dict[str, str]:
    """Write a module as ``NAME.pt2`` beside its ONNX export, and return its entry of ``exports``.

    Weights that the ONNX export keeps in ``parameters`` are shared with it; others are in the ``.pt2``.

    :param core: the module with its weights as exported (:func:`voxstack_packager.export.materialized.materialize`).
    :param symbol: the ONNX export, whose weights are in ``parameters``.
    :param half: store weights that are not shared as float16.
    :raises PackagingError: if torch cannot export the module, or fixes an axis that should be free.
    """
    import torch

    shared = _shared_weights(core, weight_offsets(symbol, parameters))
    module = with_padded_sequences(_with_weights_as_inputs(core, shared, signature, half))
    arguments = (*example_arguments(signature, examples, name), *(weight.tensor for weight in shared))
    shapes = {"tensors": (*dynamic_shapes(signature), *({} for _ in shared))}
    failures = explain_failure(name, "torch.export.export", "; 'pt2' may also be left out of formats")
    with silence(), failures, torch.no_grad(), free_recurrences():
        program = torch.export.export(module, arguments, dynamic_shapes=shapes)
    _check_free_axes(name, program, signature)
    _strip_metadata(program)
    path = symbol.with_name(f"{name}.pt2")
    table = {TABLE: json.dumps([weight.row for weight in shared])} if shared else None
    with silence():
        torch.export.save(program, path, extra_files=table)
    _recompress(path)
    return {"format": "pt2", "symbol": path.name, **({"parameters": parameters.name} if shared else {})}


def _shared_weights(core: nn.Module, offsets: Mapping[bytes, int]) -> list[SharedWeight]:
    """Return the parameters and buffers that are in the file of weights.

    :param offsets: offsets in that file by the SHA-256 of the stored bytes.
    """
    import torch
    from torch import nn

    recurrent = tuple(f"{name}." if name else "" for name, part in core.named_modules() if isinstance(part, nn.RNNBase))
    named = itertools.chain(core.named_parameters(remove_duplicate=False), core.named_buffers(remove_duplicate=False))
    shared: dict[int, SharedWeight] = {}
    for name, tensor in named:
        # recurrent modules keep references to their weights; NumPy has no bfloat16
        if name.startswith(recurrent) or tensor.dtype == torch.bfloat16:
            continue
        if id(tensor) in shared:
            shared[id(tensor)].names.append(name)
        elif row := table_row(tensor.detach().numpy(), offsets):
            shared[id(tensor)] = SharedWeight([name], tensor, {"name": name, **row})
    return list(shared.values())


def _with_weights_as_inputs(
    core: nn.Module, shared: Sequence[SharedWeight], signature: SignatureLike, half: bool
) -> nn.Module:
    """Return a module whose inputs are those of the network and then the shared weights, which it no longer holds."""
    from torch import nn
    from torch.func import functional_call

    bare = copy.deepcopy(core)
    for name in itertools.chain.from_iterable(weight.names for weight in shared):
        owner, _, attribute = name.rpartition(".")
        setattr(bare.get_submodule(owner), attribute, None)
    stored = store_parameters_as_float16(bare) if half else bare
    use_padded_recurrences(stored)
    network = ordered_module(stored, list(signature.inputs), list(signature.outputs))
    positions = [(f"module.{name}", i) for i, weight in enumerate(shared) for name in weight.names]
    count = len(signature.inputs)

    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
            weights = {name: tensors[count + i] for name, i in positions}
            outputs: tuple[Tensor, ...] = functional_call(self.network, weights, tensors[:count])
            return outputs

    return Functional().eval()


def _check_free_axes(name: str, program: ExportedProgram, signature: SignatureLike) -> None:
    values = {node.name: node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"}
    inputs = zip(signature.inputs.items(), program.graph_signature.user_inputs, strict=False)  # weights follow
    for (input_name, tensor), placeholder in inputs:
        for axis, size in zip(tensor.shape, values[str(placeholder)].shape, strict=True):
            if isinstance(axis, str) and isinstance(size, int):
                advice = "make it free, or leave 'pt2' out of formats"
                problem = f"torch.export fixes the axis {axis!r} of inputs.{input_name} at {size}; {advice}"
                raise PackagingError(name, problem)


def _strip_metadata(program: ExportedProgram) -> None:
    """Remove traces of the source code, the example, and what pins the program to the device of its export."""
    import torch

    graph = program.graph_module.graph
    for node in list(graph.nodes):
        for key in ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn", "from_node"):
            node.meta.pop(key, None)
        if node.target is torch.ops.aten._assert_tensor_metadata.default:
            graph.erase_node(node)
    program.graph_module.recompile()
    program.example_inputs = None


def _recompress(path: Path) -> None:
    """Rewrite an archive compressed and without dates.

    Torch only stores, and its graphs are JSON, which shrinks to a twentieth.
    """
    with zipfile.ZipFile(path) as archive:
        contents = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents:
            info = zipfile.ZipInfo(name, DATE)
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
            archive.writestr(info, content)
