"""Modules in the form that networks have: named inputs with the batch first, then time, then features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from voxstack_packager.from_modules.forward import flatten_outputs

if TYPE_CHECKING:
    from torch import Tensor, nn

MASK = "mask"
"""Name of the mask input of a network; lengths are computed from it."""


class InputPlan(NamedTuple):
    """One parameter of ``forward``, and what it receives.

    :param kind: as in :class:`.forward.Parameter`; all but ``value`` are made of the mask.
    :param name: of the network's input.
    :param transposed: whether the module has features before time.
    """

    parameter: str
    kind: str
    name: str
    transposed: bool = False


class MaskForm(NamedTuple):
    """The form in which a module expects its mask: with an axis of size 1 before time, or not; and its dtype."""

    wide: bool = False
    dtype: str = "float32"


class OutputPlan(NamedTuple):
    """One tensor that a module returns, and its form as an output.

    :param place: among the tensors that the module returns.
    :param squeezed: position of an axis of size 1 that is removed.
    :param transposed: whether the module has features before time.
    :param axes: of the output.
    """

    name: str
    place: int
    squeezed: int | None
    transposed: bool
    axes: tuple[str | int, ...]


class CallPlan(NamedTuple):
    """A call of a module: inputs in the order of the network, its mask last.

    :param batched: whether the module runs several utterances at once; if not, its network has no batch axis, and no
        mask.
    """

    inputs: tuple[InputPlan, ...]
    mask: MaskForm
    constants: Mapping[str, Any]
    batched: bool = True

    @property
    def values(self) -> list[InputPlan]:
        """The inputs that are arrays of the utterance or the stream."""
        return [plan for plan in self.inputs if plan.kind == "value"]

    @property
    def masked(self) -> bool:
        """True if the network has a mask."""
        return self.batched and len(self.values) < len(self.inputs)


def formed(tensor: Any, plan: OutputPlan) -> Any:
    """Return a tensor or array that a module returned in the form of the output."""
    tensor = tensor if plan.squeezed is None else tensor.squeeze(plan.squeezed)
    return tensor.swapaxes(1, 2) if plan.transposed else tensor


def adapted(module: nn.Module, call: CallPlan, outputs: Sequence[OutputPlan] = ()) -> nn.Module:
    """Return a module that is called with the arrays of ``call``, and then the mask if it has one.

    Its ``named`` returns all tensors with their names, as the module returns them.

    :param outputs: of the network, which ``forward`` returns in this order.
    """
    import torch
    from torch import nn

    class Adapted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def named(self, *tensors: Tensor) -> list[tuple[str | None, Tensor]]:
            arguments: dict[str, Any] = dict(call.constants)
            rows = tensors if call.batched else tuple(tensor[None] for tensor in tensors)
            for plan, tensor in zip(call.values, rows, strict=False):
                arguments[plan.parameter] = tensor.transpose(1, 2) if plan.transposed else tensor
            mask = rows[-1] if call.masked else _ones_like_steps(rows)
            for plan in call.inputs:
                if plan.kind != "value":
                    arguments[plan.parameter] = _from_mask(mask, plan.kind)
            return flatten_outputs(self.module(**arguments))

        def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
            found = [tensor for _, tensor in self.named(*tensors)]
            made = tuple(formed(found[plan.place], plan) for plan in outputs)
            return made if call.batched else tuple(tensor[0] for tensor in made)

    def _ones_like_steps(rows: tuple[Tensor, ...]) -> Tensor:
        return next(torch.ones(row.shape[:2]) for row in rows if row.ndim > 1)

    def _from_mask(mask: Tensor, kind: str) -> Tensor:
        if kind == "lengths":
            return mask.sum(1).to(torch.int64)
        wide = mask[:, None] if call.mask.wide else mask
        if kind == "padding":
            return wide == 0
        return wide > 0 if call.mask.dtype == "bool" else wide

    return Adapted().eval()
