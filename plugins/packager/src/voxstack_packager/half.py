"""Float32 weights kept as float16: half the file, the same computing.

Weights are rounded in the module first, so that what is exported afterwards holds them exactly in either size.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack_packager.errors import PackagingError

if TYPE_CHECKING:
    from torch import nn

SMALLEST = 64
"""Elements of the smallest tensor that is worth a cast."""

LARGEST = 65504.0
"""The largest number in float16."""


def baked(module: nn.Module, half: bool, where: str) -> nn.Module:
    """Return a copy with its parametrizations (weight norm) computed once for all and, with ``half``, its weights rounded.

    Weights beyond the range of float16 stay as they are.

    :raises PackagingError: if the module cannot be copied.
    """
    import torch
    from torch.nn.utils import parametrize

    computed = [
        value
        for part in module.modules()
        for value in vars(part).values()
        if isinstance(value, torch.Tensor) and not value.is_leaf
    ]
    try:
        made = copy.deepcopy(module, {id(value): value.detach().clone() for value in computed}).requires_grad_(False)
    except Exception as error:  # whatever a module may hold
        raise PackagingError(where, f"cannot copy the module ({error}); let copy.deepcopy(module) work") from error
    for part in list(made.modules()):
        _bake_weight_norm(part)
        if parametrize.is_parametrized(part):
            _bake(part)
    if half:
        for weights in made.parameters():
            if weights.dtype == torch.float32 and _fits(weights):
                weights.data.copy_(weights.data.half().float())
    return made


def _bake_weight_norm(part: nn.Module) -> None:
    """Compute the weight norm of torch's older kind, a hook that sets the weight before each call."""
    from torch.nn.utils import remove_weight_norm
    from torch.nn.utils.weight_norm import WeightNorm

    for hook in list(part._forward_pre_hooks.values()):
        if isinstance(hook, WeightNorm):
            remove_weight_norm(part, hook.name)


def _bake(part: nn.Module) -> None:
    """Compute the parametrizations of a copy; ``remove_parametrizations`` would change the class that it shares with its original."""
    from torch import nn
    from torch.nn.utils import parametrize

    values = {name: getattr(part, name).detach().clone() for name in part.parametrizations}  # type: ignore[union-attr]
    part.__class__ = parametrize.type_before_parametrizations(part)
    del part.parametrizations
    for name, value in values.items():
        part.register_parameter(name, nn.Parameter(value, requires_grad=False))


def kept_half(module: nn.Module) -> nn.Module:
    """Return a copy of a :func:`baked` module with parameters in float16 that are cast to float32 where they are used."""
    import torch
    from torch import nn
    from torch.nn.utils import parametrize

    class Cast(nn.Module):
        def forward(self, weights: torch.Tensor) -> torch.Tensor:
            return weights.float()

    made = copy.deepcopy(module)
    seen: dict[int, nn.Parameter] = {}  # weights that are shared stay shared
    for part in list(made.modules()):
        if isinstance(part, nn.RNNBase):  # it keeps references to its weights, past parametrizations
            continue
        for name, weights in list(part.named_parameters(recurse=False)):
            if weights.dtype == torch.float32 and weights.numel() >= SMALLEST and _fits(weights):
                halved = seen.setdefault(id(weights), nn.Parameter(weights.detach().half(), requires_grad=False))
                setattr(part, name, halved)
                parametrize.register_parametrization(part, name, Cast(), unsafe=True)
    return made.eval()


def round_initializers(model: Any) -> None:
    """Round the float32 initializers of an ONNX model to what float16 holds, in place, but for those beyond its range."""
    from onnx import TensorProto, numpy_helper

    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= SMALLEST:
            whole = numpy_helper.to_array(tensor)
            if (np.abs(whole) <= LARGEST).all():
                tensor.CopyFrom(numpy_helper.from_array(whole.astype(np.float16).astype(np.float32), tensor.name))


def halve_initializers(model: Any) -> int:
    """Keep the float32 initializers of an ONNX model as float16 with a Cast, in place, where that loses nothing.

    Runtimes fold the Cast when they load the model.

    :returns: bytes of those that stay float32.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts, left = [], 0
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < SMALLEST:
            continue
        whole = numpy_helper.to_array(tensor)
        halved = as_half(whole)
        if halved is not None:
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(halved, f"{name}.half"))
            casts.append(helper.make_node("Cast", [tensor.name], [name], name=f"{name}.cast", to=TensorProto.FLOAT))
        else:
            left += whole.nbytes
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return left


def as_half(whole: np.ndarray) -> np.ndarray | None:
    """A float32 array as float16, if that holds it exactly."""
    if whole.dtype != np.float32:
        return None
    with np.errstate(over="ignore"):
        halved = whole.astype(np.float16)
    return halved if np.array_equal(halved.astype(np.float32), whole) else None


def _fits(weights: Any) -> bool:
    return bool((weights.abs() <= LARGEST).all())
