"""ONNX exports with named dynamic axes, of torch modules and of graphs that exist."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from voxstack_packager.errors import PackagingError
from voxstack_packager.export.convolutions import use_2d_convolutions
from voxstack_packager.export.float16_weights import store_initializers_as_float16
from voxstack_packager.export.onnx_recurrences import use_onnx_recurrences
from voxstack_packager.export.padded_sequences import with_padded_sequences
from voxstack_packager.export.script_export import export_script
from voxstack_packager.export.shared_weights import save_with_external_data
from voxstack_packager.export.torch_export import dynamic_shapes, example_arguments, explain_failure, silence
from voxstack_packager.signature import MakeExamples
from voxstack_packager.sources import NetworkSource, OnnxSource, Source

if TYPE_CHECKING:
    from onnx import ModelProto, TensorShapeProto
    from torch import nn

INLINE_LIMIT = 64 * 1024 * 1024
"""Bytes of weights up to which they are inside the ``.onnx``; larger and shared ones are beside it, where they can
be mapped."""


def export_module(source: NetworkSource, module: nn.Module, examples: MakeExamples) -> tuple[ModelProto, list[str]]:
    """Return the ONNX graph of a torch module, its axes named as declared, and the axes that torch declared as fixed.

    :param module: has its inputs and outputs in the order of the signature; or it is a scripted module.
    :raises PackagingError: if torch cannot export the module.
    """
    import torch

    if isinstance(module, torch.jit.ScriptModule):
        scripted = export_script(source, module, examples)
        return scripted, name_axes(source, scripted)
    with silence(), explain_failure(source.name, "torch.onnx.export"), torch.no_grad():
        program = torch.onnx.export(
            with_padded_sequences(use_onnx_recurrences(module, source.name)),
            example_arguments(source.signature, examples, source.name),
            dynamo=True,
            dynamic_shapes={"tensors": tuple(dynamic_shapes(source.signature))},
            input_names=list(source.signature.inputs),
            output_names=list(source.signature.outputs),
            verbose=False,
        )
        assert program is not None, "the dynamo exporter returns a program"
        model: ModelProto = program.model_proto
    return model, name_axes(source, model)


def read_model(source: OnnxSource) -> ModelProto:
    """Return a copy of an existing graph."""
    import onnx

    model = onnx.ModelProto()
    model.CopyFrom(onnx.load(source.model) if isinstance(source.model, str | os.PathLike) else source.model)
    return model


def write_onnx(
    source: Source, model: ModelProto, folder: Path, progress: Callable[[str], None], external: bool = False
) -> dict[str, str]:
    """Write an ONNX graph, and return its entry of ``exports``.

    :param external: keep the weights in a file beside it, whatever their size.
    """
    import onnx

    _strip_metadata(model)
    if not isinstance(source, OnnxSource) or source.streaming:
        # Other kernels round otherwise: a graph that only runs as a whole keeps those of the original software.
        use_2d_convolutions(model)
    if source.half and (left := store_initializers_as_float16(model)):
        reason = "as float16 cannot hold them exactly (tables, weights with a norm folded in)"
        progress(f"{source.name}: {left / 1e6:.2f} MB stay float32, {reason}")
    path = folder / f"{source.name}.onnx"
    if model.ByteSize() <= INLINE_LIMIT and not external:
        onnx.save_model(model, path)
        return {"format": "onnx", "symbol": path.name}
    return save_with_external_data(path, model)


def name_axes(source: Source, model: ModelProto) -> list[str]:
    """Give every named axis of a graph its declared name, and return those that were fixed, each as a phrase.

    Exporters declare axes as fixed that the graph computes at any size, and the other way around. What a graph does is
    therefore measured, at several sizes (:func:`voxstack_packager.measure.measured.source_error`).

    :raises PackagingError: if an existing graph fixes an input that should be free, or if a graph has other inputs,
        outputs or axes than declared.
    """
    signature = source.signature
    fixed = []
    sides = (("inputs", model.graph.input, signature.inputs), ("outputs", model.graph.output, signature.outputs))
    for side, values, tensors in sides:
        names = [value.name for value in values]
        if names != list(tensors):
            raise PackagingError(source.name, f"the graph has the {side} {names}, declared are {list(tensors)}")
        for value, (name, tensor) in zip(values, tensors.items(), strict=True):
            dimensions = value.type.tensor_type.shape.dim
            if len(dimensions) != len(tensor.shape):
                problem = f"{side}.{name} has {len(dimensions)} axes; declared are {list(tensor.shape)}"
                raise PackagingError(source.name, problem)
            for dimension, axis in zip(dimensions, tensor.shape, strict=True):
                size = _name_axis(source, f"{side}.{name}", dimension, axis)
                fixed += [] if size is None else [f"{axis!r} of {side}.{name} as {size}"]
    return fixed


def _name_axis(source: Source, where: str, dimension: TensorShapeProto.Dimension, axis: str | int) -> int | None:
    """Name one axis, and return the size at which the graph declares an axis that should be free."""
    fixed = dimension.dim_value if dimension.HasField("dim_value") else None
    if isinstance(axis, str) and fixed is not None and isinstance(source, OnnxSource) and where.startswith("inputs"):
        problem = f"the graph fixes the axis {axis!r} of {where} at {fixed}"
        raise PackagingError(source.name, f"{problem}; make it free, or declare the axis as this number")
    if isinstance(axis, int) and fixed not in (None, axis):
        raise PackagingError(source.name, f"{where} has {fixed} where {axis} is declared; correct one of them")
    if isinstance(axis, str):
        dimension.dim_param = axis
        return fixed
    dimension.dim_value = axis
    return None


def _strip_metadata(model: ModelProto) -> None:
    """Remove traces of the source code and of where it was on this disk."""
    graph = model.graph
    del graph.value_info[:]
    del model.metadata_props[:]
    del graph.metadata_props[:]
    model.doc_string = graph.doc_string = ""
    for part in (*graph.node, *graph.input, *graph.output, *graph.initializer, *model.functions):
        del part.metadata_props[:]
        part.doc_string = ""
