"""Exports as ``.pt2``, torch's own format: a few kilobytes, as their weights lie in the file that the ONNX export has."""

from __future__ import annotations

import copy
import itertools
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from voxstack_packager.errors import PackagingError
from voxstack_packager.exporters import arguments, explained, free_axes, quiet
from voxstack_packager.half import kept_half
from voxstack_packager.measure import MakeExamples
from voxstack_packager.parameters import TABLE, row_of
from voxstack_packager.runners import ordered_module
from voxstack_packager.sharing import placed
from voxstack_packager.signature import Signed

if TYPE_CHECKING:
    from torch import Tensor, nn

DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can tell


class Shared(NamedTuple):
    """A parameter or buffer that lies in the file of weights: the names it goes by, and its row of the table."""

    names: list[str]
    tensor: Tensor
    row: dict[str, Any]


def export_program(
    name: str, core: nn.Module, signed: Signed, examples: MakeExamples, symbol: Path, parameters: Path, half: bool
) -> dict[str, str]:
    """Write a module as ``NAME.pt2`` beside its ONNX export, and return its entry of ``exports``.

    Weights that the ONNX export keeps in a file of their own are shared with it; others lie in the ``.pt2``.

    :param core: with its weights as they are exported (:func:`voxstack_packager.half.baked`).
    :param symbol: the ONNX export, whose weights lie in ``parameters``.
    :param half: keep weights that are not shared as float16.
    :raises PackagingError: if torch cannot export it, or fixes an axis that should be free.
    """
    import torch

    shared = _shared(core, placed(symbol, parameters))
    module = _functional(core, shared, signed, half)
    given = (*arguments(signed, examples, name), *(one.tensor for one in shared))
    shapes = {"tensors": (*free_axes(signed), *({} for _ in shared))}
    with quiet(), explained(name, "torch.export.export", "; 'pt2' may also be left out of formats"), torch.no_grad():
        program = torch.export.export(module, given, dynamic_shapes=shapes)
    _check_free(name, program, signed)
    _strip(program)
    path = symbol.with_name(f"{name}.pt2")
    with quiet():
        torch.export.save(
            program, path, extra_files={TABLE: json.dumps([one.row for one in shared])} if shared else None
        )
    _pack(path)
    return {"format": "pt2", "symbol": path.name, **({"parameters": parameters.name} if shared else {})}


def _shared(core: nn.Module, places: Mapping[bytes, int]) -> list[Shared]:
    """The parameters and buffers that lie in the file of weights.

    :param places: offsets there by the SHA-256 of what lies there.
    """
    import torch
    from torch import nn

    apart = tuple(f"{name}." if name else "" for name, part in core.named_modules() if isinstance(part, nn.RNNBase))
    named = itertools.chain(core.named_parameters(remove_duplicate=False), core.named_buffers(remove_duplicate=False))
    made: dict[int, Shared] = {}
    for name, tensor in named:
        if (
            name.startswith(apart) or tensor.dtype == torch.bfloat16
        ):  # recurrent parts keep references; NumPy has no bfloat16
            continue
        if id(tensor) in made:
            made[id(tensor)].names.append(name)
        elif row := row_of(tensor.detach().numpy(), places):
            made[id(tensor)] = Shared([name], tensor, {"name": name, **row})
    return list(made.values())


def _functional(core: nn.Module, shared: Sequence[Shared], signed: Signed, half: bool) -> nn.Module:
    """A module that takes the network's inputs and then the shared weights, which it does not hold itself."""
    from torch import nn
    from torch.func import functional_call

    bare = copy.deepcopy(core)
    for name in itertools.chain.from_iterable(one.names for one in shared):
        place, _, last = name.rpartition(".")
        setattr(bare.get_submodule(place), last, None)
    network = ordered_module(kept_half(bare) if half else bare, list(signed.inputs), list(signed.outputs))
    places = [(f"module.{name}", i) for i, one in enumerate(shared) for name in one.names]
    count = len(signed.inputs)

    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
            weights = {name: tensors[count + i] for name, i in places}
            made: tuple[Tensor, ...] = functional_call(self.network, weights, tensors[:count])
            return made

    return Functional().eval()


def _check_free(name: str, program: Any, signed: Signed) -> None:
    values = {node.name: node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"}
    for (given, tensor), key in zip(
        signed.inputs.items(), program.graph_signature.user_inputs, strict=False
    ):  # weights follow
        for axis, size in zip(tensor.shape, values[str(key)].shape, strict=True):
            if isinstance(axis, str) and isinstance(size, int):
                advice = "make it free, or leave 'pt2' out of formats"
                raise PackagingError(
                    name, f"torch.export fixes the axis {axis!r} of inputs.{given} at {size}; {advice}"
                )


def _strip(program: Any) -> None:
    """Drop what tells of the source code alone, the example, and what pins the program to the device it was made on."""
    import torch

    graph = program.graph_module.graph
    for node in list(graph.nodes):
        for key in ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn", "from_node"):
            node.meta.pop(key, None)
        if node.target is torch.ops.aten._assert_tensor_metadata.default:
            graph.erase_node(node)
    program.graph_module.recompile()
    program.example_inputs = None


def _pack(path: Path) -> None:
    """Write an archive anew: packed, as torch stores only, and its graphs are JSON that packs to a twentieth; and without dates."""
    with zipfile.ZipFile(path) as archive:
        contents = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents:
            info = zipfile.ZipInfo(name, DATE)
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
            archive.writestr(info, content)
