"""Copies of torch modules whose weights are plain tensors, as exporters need them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from voxstack_packager.errors import PackagingError
from voxstack_packager.export.float16_weights import round_parameters

if TYPE_CHECKING:
    from torch import nn


def materialize(module: nn.Module, half: bool, where: str) -> nn.Module:
    """Return a copy whose parametrizations (weight norm) are computed once, so that its weights are plain parameters.

    :param half: round the weights to float16, except for those beyond its range.
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
        result = copy.deepcopy(module, {id(value): value.detach().clone() for value in computed})
    except Exception as error:  # a module may contain anything
        raise PackagingError(where, f"cannot copy the module ({error}); let copy.deepcopy(module) work") from error
    for weights in result.parameters():  # a scripted module has no requires_grad_ of its own
        weights.detach_().requires_grad_(False)
    for part in list(result.modules()):
        _remove_weight_norm_hooks(part)
        if parametrize.is_parametrized(part):
            _remove_parametrizations(part)
    if half:
        round_parameters(result)
    return result


def _remove_weight_norm_hooks(part: nn.Module) -> None:
    """Compute the weight norm of torch's older kind, a hook that sets the weight before each call."""
    from torch.nn.utils import remove_weight_norm
    from torch.nn.utils.weight_norm import WeightNorm

    for hook in list(part._forward_pre_hooks.values()):
        if isinstance(hook, WeightNorm):
            remove_weight_norm(part, hook.name)


def _remove_parametrizations(part: nn.Module) -> None:
    """Compute the parametrizations of a copy.

    ``remove_parametrizations`` of torch would change the class that the copy shares with its original.
    """
    from torch import nn
    from torch.nn.utils import parametrize

    values = {name: getattr(part, name).detach().clone() for name in part.parametrizations}  # type: ignore[union-attr]
    part.__class__ = parametrize.type_before_parametrizations(part)
    del part.parametrizations
    for name, value in values.items():
        part.register_parameter(name, nn.Parameter(value, requires_grad=False))
