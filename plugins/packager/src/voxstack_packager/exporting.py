"""Exports of a network: ONNX with named dynamic axes and, of a torch module, ``.pt2``."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from voxstack.networks import Runner
from voxstack_packager.errors import PackagingError
from voxstack_packager.exporters import arguments, explained, free_axes, quiet
from voxstack_packager.half import baked, halve_initializers, round_initializers
from voxstack_packager.programs import export_program
from voxstack_packager.runners import model_runner, module_runner, ordered_module
from voxstack_packager.sharing import save_together
from voxstack_packager.sources import NetworkSource, OnnxSource, Source

INLINE = 64 * 1024 * 1024
"""Bytes of weights up to which they lie in the .onnx itself; larger ones lie beside it, where they can be mapped, as do shared ones."""


def export(
    source: Source, folder: Path, progress: Callable[[str], None] = print
) -> tuple[Runner, list[dict[str, str]]]:
    """Write every format of a network.

    :returns: what was exported, as a runner, its weights rounded if they are kept as float16; and the entries of ``exports``.
    :raises PackagingError: if torch cannot export it, or an axis is fixed that should be free.
    """
    if isinstance(source, OnnxSource):
        return _as_it_is(source, folder, progress)
    assert isinstance(source, NetworkSource), "there is nothing else to export"
    signature = source.signature
    core = baked(source.module, source.half, source.name)
    module = ordered_module(core, list(signature.inputs), list(signature.outputs))
    entries = [_onnx(source, module, folder, progress)]
    if "pt2" in source.formats:
        symbol, parameters = (folder / entries[0][key] for key in ("symbol", "parameters"))
        entries.append(export_program(source.name, core, signature, source.arrays, symbol, parameters, source.half))
    return module_runner(module, signature), entries


def _as_it_is(source: OnnxSource, folder: Path, progress: Callable[[str], None]) -> tuple[Runner, list[dict[str, str]]]:
    """Write a graph that exists."""
    import onnx

    model = onnx.ModelProto()
    model.CopyFrom(onnx.load(source.model) if isinstance(source.model, str | os.PathLike) else source.model)
    if source.half:
        round_initializers(model)
    original = model_runner(model, source.name)
    _name_axes(source, model)
    return original, [_written(source, model, folder, progress)]


def _onnx(source: NetworkSource, module: Any, folder: Path, progress: Callable[[str], None]) -> dict[str, str]:
    import torch

    with quiet(), explained(source.name, "torch.onnx.export"), torch.no_grad():
        program = torch.onnx.export(
            module,
            arguments(source.signature, source.arrays, source.name),
            dynamo=True,
            dynamic_shapes={"tensors": tuple(free_axes(source.signature))},
            input_names=list(source.signature.inputs),
            output_names=list(source.signature.outputs),
            verbose=False,
        )
        model = program.model_proto  # type: ignore[union-attr]
    _name_axes(source, model)
    return _written(source, model, folder, progress, apart="pt2" in source.formats)


def _written(
    source: Source, model: Any, folder: Path, progress: Callable[[str], None], apart: bool = False
) -> dict[str, str]:
    """Write an ONNX graph, and return its entry of ``exports``; ``apart``: its weights beside it, whatever their size."""
    import onnx

    _strip(model)
    if source.half and (left := halve_initializers(model)):
        progress(
            f"{source.name}: {left / 1e6:.2f} MB stay float32, as float16 cannot hold them exactly (tables, weights with a norm folded in)"
        )
    path = folder / f"{source.name}.onnx"
    if model.ByteSize() <= INLINE and not apart:
        onnx.save_model(model, path)
        return {"format": "onnx", "symbol": path.name}
    return beside(path, model)


def beside(path: Path, model: Any) -> dict[str, str]:
    """Write an ONNX model whose weights lie beside it, and return its entry of ``exports``."""
    data = path.with_name(f"{path.name}.data")
    save_together({path: model}, data)
    return {"format": "onnx", "symbol": path.name, "parameters": data.name}


def _name_axes(source: Source, model: Any) -> None:
    """Check that every named axis is free, and give it its name."""
    for side, values in (("inputs", model.graph.input), ("outputs", model.graph.output)):
        tensors = getattr(source.signature, side)
        if [value.name for value in values] != list(tensors):
            raise PackagingError(
                source.name, f"the graph has the {side} {[v.name for v in values]}, declared are {list(tensors)}"
            )
        for value, (name, tensor) in zip(values, tensors.items(), strict=True):
            found = value.type.tensor_type.shape.dim
            if len(found) != len(tensor.shape):
                raise PackagingError(
                    source.name, f"{side}.{name} has {len(found)} axes; declared are {list(tensor.shape)}"
                )
            for size, axis in zip(found, tensor.shape, strict=True):
                _name_axis(source, f"{side}.{name}", size, axis)


def _name_axis(source: Source, where: str, size: Any, axis: str | int) -> None:
    fixed = size.dim_value if size.HasField("dim_value") else None
    if isinstance(axis, str) and fixed is not None:
        raise PackagingError(
            source.name,
            f"the graph fixes the axis {axis!r} of {where} at {fixed}: the network computes with a size as a number (int(x.shape[1]), a "
            "loop, a table of that length); make it free, or declare the axis as this number",
        )
    if isinstance(axis, int) and fixed not in (None, axis):
        raise PackagingError(source.name, f"{where} has {fixed} where {axis} is declared; correct one of them")
    if isinstance(axis, str):
        size.dim_param = axis
    else:
        size.dim_value = axis


def _strip(model: Any) -> None:
    """Drop what only says where the source code lay on this disk."""
    del model.graph.value_info[:]
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    model.doc_string = model.graph.doc_string = ""
    for part in (
        *model.graph.node,
        *model.graph.input,
        *model.graph.output,
        *model.graph.initializer,
        *model.functions,
    ):
        del part.metadata_props[:]
        part.doc_string = ""
