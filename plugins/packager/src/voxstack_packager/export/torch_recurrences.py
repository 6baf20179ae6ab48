"""Recurrent modules in programs of torch that accept any number of steps, and packed sequences in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from voxstack_packager.export.onnx_recurrences import is_stock_recurrence
from voxstack_packager.export.padded_sequences import recurrence

if TYPE_CHECKING:
    from torch import Tensor, nn

SATURATED = 1e4
"""Added to a gate, it opens or closes it entirely in float32."""


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
    import torch

    assert lengths is not None, "only packed sequences are computed so"
    directions, size = 1 + part.bidirectional, part.proj_size or part.hidden_size
    count = 2 if part.mode == "LSTM" else 1
    sizes = (size, part.hidden_size)[:count]
    states = states or [x.new_zeros((part.num_layers * directions, x.shape[1], size)) for size in sizes]
    last: list[list[Tensor]] = []
    for layer in range(part.num_layers):
        outputs = []
        for direction in range(directions):
            row = layer * directions + direction
            before = [state[row : row + 1] for state in states]
            y, *after = _direction(part, row, bool(direction), x, before, lengths)
            outputs.append(y)
            last.append(after)
        x = torch.cat(outputs, -1) if part.bidirectional else outputs[0]
    return x, [torch.cat(parts) for parts in zip(*last, strict=True)]


def _direction(
    part: Any, row: int, reverse: bool, x: Tensor, states: Sequence[Tensor], lengths: Tensor
) -> list[Tensor]:
    """Return the output of one layer in one direction, zero in the padding, and its states after the last real step.

    In the padding the gates keep the cell as it is; the hidden state is that of the last real step of the output.
    """
    import torch

    steps = torch.arange(x.shape[0])[:, None]
    real = steps < lengths[None]
    order = torch.where(real, lengths[None] - 1 - steps, steps)[..., None] if reverse else None
    x = x if order is None else x.gather(0, order.expand(-1, -1, x.shape[2]))
    weights = [getattr(part, name) for name in part._all_weights[row]]
    if part.mode == "LSTM":
        size = part.hidden_size
        keep = torch.cat([x.new_full((size,), -SATURATED), x.new_full((size,), SATURATED), x.new_zeros(2 * size)])
        weights = [torch.cat([weights[0], keep[:, None]], 1), *weights[1:]]
        x = torch.cat([x, (~real)[..., None].to(x.dtype)], -1)
    operator = getattr(torch, {"LSTM": "lstm", "GRU": "gru"}.get(part.mode, part.mode.lower()))
    before = states if part.mode == "LSTM" else states[0]
    y, _, *cell = operator(x, before, weights, part.bias, 1, 0.0, False, False, False)
    y = torch.where(real[..., None], y, y.new_zeros(()))
    hidden = y.gather(0, (lengths - 1).reshape(1, -1, 1).expand(-1, -1, y.shape[2]))
    y = y if order is None else y.gather(0, order.expand(-1, -1, y.shape[2]))
    return [y, hidden, *cell]
