"""Float32 weights stored as float16: half the file, the same computation.

Weights are rounded in the module first, so that every export of it represents them exactly in either type.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from onnx import ModelProto
    from torch import nn

SMALLEST = 64
"""Elements of the smallest tensor that is worth a cast."""

LARGEST = 65504.0
"""The largest number in float16."""


def round_parameters(module: nn.Module) -> None:
    """Round the float32 parameters of a module to float16, in place, except for those beyond its range."""
    import torch

    for weights in module.parameters():
        if weights.dtype == torch.float32 and _in_range(weights):
            weights.data.copy_(weights.data.half().float())


def store_parameters_as_float16(module: nn.Module) -> nn.Module:
    """Return a copy of a module with rounded parameters as float16, cast to float32 where they are used."""
    import torch
    from torch import nn
    from torch.nn.utils import parametrize

    class Cast(nn.Module):
        def forward(self, weights: torch.Tensor) -> torch.Tensor:
            return weights.float()

    result = copy.deepcopy(module)
    stored: dict[int, nn.Parameter] = {}  # weights that are shared stay shared
    for part in list(result.modules()):
        if isinstance(part, nn.RNNBase):  # it keeps references to its weights, past parametrizations
            continue
        for name, weights in list(part.named_parameters(recurse=False)):
            if weights.dtype == torch.float32 and weights.numel() >= SMALLEST and _in_range(weights):
                half = stored.setdefault(id(weights), nn.Parameter(weights.detach().half(), requires_grad=False))
                setattr(part, name, half)
                parametrize.register_parametrization(part, name, Cast(), unsafe=True)
    return result.eval()


def round_initializers(model: ModelProto) -> None:
    """Round the float32 initializers of an ONNX model to float16, in place, except for those beyond its range."""
    from onnx import TensorProto, numpy_helper

    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= SMALLEST:
            weights = numpy_helper.to_array(tensor)
            if (np.abs(weights) <= LARGEST).all():
                rounded = weights.astype(np.float16).astype(np.float32)
                tensor.CopyFrom(numpy_helper.from_array(rounded, tensor.name))


def store_initializers_as_float16(model: ModelProto) -> int:
    """Store the float32 initializers of an ONNX model as float16 with a Cast, in place, where that loses nothing.

    Runtimes fold the Cast when they load the model.

    :returns: bytes of those that stay float32.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts, left = [], 0
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < SMALLEST:
            continue
        weights = numpy_helper.to_array(tensor)
        half = as_float16(weights)
        if half is not None:
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
            casts.append(helper.make_node("Cast", [tensor.name], [name], name=f"{name}.cast", to=TensorProto.FLOAT))
        else:
            left += weights.nbytes
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return left


def as_float16(weights: np.ndarray) -> np.ndarray | None:
    """Return a float32 array as float16, or None if that cannot represent it exactly."""
    if weights.dtype != np.float32:
        return None
    with np.errstate(over="ignore"):
        half = weights.astype(np.float16)
    return half if np.array_equal(half.astype(np.float32), weights) else None


def _in_range(weights: torch.Tensor) -> bool:
    return bool((weights.abs() <= LARGEST).all())
