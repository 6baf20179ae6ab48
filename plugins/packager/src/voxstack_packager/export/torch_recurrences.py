"""Recurrent modules in programs of torch that accept any number of steps, and packed sequences in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from voxstack_packager.export.onnx_recurrences import is_stock_recurrence
from voxstack_packager.export.padded_sequences import keeping_weights, recurrence, run_padded_layers

if TYPE_CHECKING:
    from torch import Tensor, nn


@contextmanager
def free_recurrences() -> Iterator[None]:
    """Let torch.export infer the shapes of recurrences, as long as the context is open, without running their steps.

    The decompositions by which torch 2.13 infers them loop over the steps of the example, and so fix their number.
    """
    import torch

    aten = torch.ops.aten
    operators = (aten.lstm.input, aten.gru.input, aten.rnn_tanh.input, aten.rnn_relu.input)
    keys = (torch._C.DispatchKey.CompositeImplicitAutograd, torch._C.DispatchKey.Autograd)
    kept = [(operator, key, operator.py_kernels[key]) for operator in operators for key in keys]
    try:
        for operator, key, _ in kept:
            operator.py_kernels[key] = _empty_outputs
            operator._dispatch_cache.clear()
        yield
    finally:
        for operator, key, kernel in kept:
            operator.py_kernels[key] = kernel
            operator._dispatch_cache.clear()


def _empty_outputs(input: Tensor, hx: Any, *arguments: Any) -> tuple[Tensor, ...]:
    """Return tensors of the shapes of the outputs; the last arguments are ``bidirectional`` and ``batch_first``."""
    import torch

    states = [hx] if isinstance(hx, torch.Tensor) else list(hx)
    size = states[0].shape[2] * (2 if arguments[-2] else 1)
    return input.new_empty([*input.shape[:2], size]), *(state.new_empty(state.shape) for state in states)


def use_padded_recurrences(module: nn.Module) -> None:
    """Let the recurrences of a module compute packed sequences that keep their padding, in place."""
    for part in list(module.modules()):
        if is_stock_recurrence(part):
            part.__class__ = type(type(part).__name__, (type(part),), {"forward": _forward})


def _forward(self: Any, input: Any, hx: Any = None) -> Any:
    from torch.nn.utils.rnn import PackedSequence

    if isinstance(input, PackedSequence):
        return recurrence(self, input, hx, _run_layers)
    return super(type(self), self).forward(input, hx)


def _run_layers(
    part: Any, x: Tensor, states: Sequence[Tensor] | None, lengths: Tensor | None
) -> tuple[Tensor, list[Tensor]]:
    assert lengths is not None, "only packed sequences are computed so"
    return run_padded_layers(part, x, states, lengths, _run_direction)


def _run_direction(part: Any, row: int, x: Tensor, states: Sequence[Tensor]) -> Sequence[Tensor]:
    import torch

    weights = [getattr(part, name) for name in part._all_weights[row]]
    if part.mode == "LSTM":
        weights[0] = keeping_weights(weights[0], forget=1)
    operator = getattr(torch, part.mode.lower())
    before = states if part.mode == "LSTM" else states[0]
    outputs: Sequence[Tensor] = operator(x, before, weights, part.bias, 1, 0.0, False, False, False)
    return outputs
