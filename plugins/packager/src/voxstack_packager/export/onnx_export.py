"""ONNX exports with named dynamic axes, of torch modules and of graphs that exist."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from voxstack_packager.errors import PackagingError
from voxstack_packager.export.convolutions import use_2d_convolutions
from voxstack_packager.export.float16_weights import store_initializers_as_float16
from voxstack_packager.export.shared_weights import save_with_external_data
from voxstack_packager.export.torch_export import dynamic_shapes, example_arguments, explain_failure, silence
from voxstack_packager.sources import NetworkSource, OnnxSource, Source

if TYPE_CHECKING:
    from onnx import ModelProto, TensorShapeProto
    from torch import nn

INLINE_LIMIT = 64 * 1024 * 1024
"""Bytes of weights up to which they are inside the ``.onnx``; larger and shared ones are beside it, where they can
be mapped."""


def export_module(source: NetworkSource, module: nn.Module) -> ModelProto:
    """Return the ONNX graph of a torch module, its axes named as declared.

    :param module: has its inputs and outputs in the order of the signature.
    :raises PackagingError: if torch cannot export the module, or fixes an axis that should be free.
    """
    import torch

    with silence(), explain_failure(source.name, "torch.onnx.export"), torch.no_grad():
        program = torch.onnx.export(
            module,
            example_arguments(source.signature, source.example_inputs, source.name),
            dynamo=True,
            dynamic_shapes={"tensors": tuple(dynamic_shapes(source.signature))},
            input_names=list(source.signature.inputs),
            output_names=list(source.signature.outputs),
            verbose=False,
        )
        assert program is not None, "the dynamo exporter returns a program"
        model: ModelProto = program.model_proto
    name_axes(source, model)
    return model


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


def name_axes(source: Source, model: ModelProto) -> None:
    """Give every named axis of a graph its declared name.

    :raises PackagingError: if an axis that should be free is fixed, or the graph has other inputs, outputs or axes.
    """
    signature = source.signature
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
                _name_axis(source, f"{side}.{name}", dimension, axis)


def _name_axis(source: Source, where: str, dimension: TensorShapeProto.Dimension, axis: str | int) -> None:
    fixed = dimension.dim_value if dimension.HasField("dim_value") else None
    if isinstance(axis, str) and fixed is not None:
        raise PackagingError(
            source.name,
            f"the graph fixes the axis {axis!r} of {where} at {fixed}: the network computes with a size as a number "
            "(int(x.shape[1]), a loop, a table of that length); make it free, or declare the axis as this number",
        )
    if isinstance(axis, int) and fixed not in (None, axis):
        raise PackagingError(source.name, f"{where} has {fixed} where {axis} is declared; correct one of them")
    if isinstance(axis, str):
        dimension.dim_param = axis
    else:
        dimension.dim_value = axis


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
