"""Packed sequences that keep their padding, as exporters need them: packing makes shapes depend on values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

RunLayers = Callable[[Any, "Tensor", "Sequence[Tensor] | None", "Tensor | None"], "tuple[Tensor, list[Tensor]]"]
"""Computes all layers of a recurrent module for (steps, batch, features), its states before the first step and the
steps of each row; None: zeros, and all steps. It returns the output and the states after the last step of each row."""

RunDirection = Callable[[Any, int, "Tensor", "Sequence[Tensor]"], "Sequence[Tensor]"]
"""Computes one direction of one layer, by its row in the states, for (steps, batch, features) and its states, (1,
batch, hidden). It returns the output and the states after the last step. The last feature of an LSTM is 1 in the
padding, and has the weights of :func:`keeping_weights`."""

SATURATED = 1e4
"""Added to a gate, it opens or closes it entirely in float32."""


def with_padded_sequences(module: nn.Module) -> nn.Module:
    """Wrap a module that has recurrent modules, so that the sequences that it packs keep their padding.

    The data of a packed sequence is then (steps, batch, ...), and its batch sizes are those of torch, with zeros for
    the steps that no row has. A sequence is padded again to the length that it had, ``total_length`` or not.
    """
    import torch
    from torch import nn
    from torch.overrides import TorchFunctionMode

    if not any(isinstance(part, nn.RNNBase) for part in module.modules()):
        return module
    functions = torch._C._VariableFunctions
    replacements = {functions._pack_padded_sequence: _pack, functions._pad_packed_sequence: _pad}

    class PaddedSequences(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return replacements.get(func, func)(*args, **(kwargs or {}))

    class WithPaddedSequences(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, *tensors: Tensor) -> Any:
            with PaddedSequences():
                return self.module(*tensors)

    return WithPaddedSequences().eval()


def recurrence(part: Any, input: Any, hx: Any, run_layers: RunLayers) -> tuple[Any, Any]:
    """Compute what the ``forward`` of ``nn.LSTM``, ``nn.GRU`` and ``nn.RNN`` computes, by layers of another kind."""
    from torch.nn.utils.rnn import PackedSequence

    packed = isinstance(input, PackedSequence)
    x = input.data if packed else input
    batched = x.dim() == 3
    x = x if batched else x.unsqueeze(1)
    swap = part.batch_first and not packed and batched
    x = x.transpose(0, 1) if swap else x
    states = None if hx is None else [*hx] if part.mode == "LSTM" else [hx]
    if states and not batched:
        states = [state.unsqueeze(1) for state in states]
    if states and packed and input.sorted_indices is not None:
        states = [state.index_select(1, input.sorted_indices) for state in states]
    x, last = run_layers(part, x, states, row_lengths(input.batch_sizes, x.shape[1]) if packed else None)
    x = x.transpose(0, 1) if swap else x
    if not batched:
        x, last = x.squeeze(1), [state.squeeze(1) for state in last]
    if packed:
        if input.unsorted_indices is not None:
            last = [state.index_select(1, input.unsorted_indices) for state in last]
        x = PackedSequence(x, input.batch_sizes, input.sorted_indices, input.unsorted_indices)
    return x, tuple(last) if part.mode == "LSTM" else last[0]


def run_padded_layers(
    part: Any, x: Tensor, states: Sequence[Tensor] | None, lengths: Tensor, run: RunDirection
) -> tuple[Tensor, list[Tensor]]:
    """Compute all layers of a recurrent module for rows of these lengths, as :data:`RunLayers` does.

    Runtimes need not know of lengths: OpenVINO 2026.4 ignores them where sizes are free.
    """
    import torch

    directions, size = 1 + part.bidirectional, part.proj_size or part.hidden_size
    sizes = (size, part.hidden_size)[: 2 if part.mode == "LSTM" else 1]
    states = states or [x.new_zeros((part.num_layers * directions, x.shape[1], size)) for size in sizes]
    last: list[list[Tensor]] = []
    for layer in range(part.num_layers):
        outputs = []
        for row in range(layer * directions, (layer + 1) * directions):
            before = [state[row : row + 1] for state in states]
            y, *after = _run_direction(part, row, x, before, lengths, run)
            outputs.append(y)
            last.append(after)
        x = torch.cat(outputs, -1) if part.bidirectional else outputs[0]
    return x, [torch.cat(parts) for parts in zip(*last, strict=True)]


def _run_direction(
    part: Any, row: int, x: Tensor, states: Sequence[Tensor], lengths: Tensor, run: RunDirection
) -> list[Tensor]:
    """Return the output of one layer in one direction, zero in the padding, and its states after the last real step.

    In the padding the gates keep the cell as it is; the hidden state is that of the last real step of the output.
    """
    import torch

    steps = torch.arange(x.shape[0])[:, None]
    real = steps < lengths[None]
    order = None
    if part.bidirectional and row % 2:
        order = torch.where(real, lengths[None] - 1 - steps, steps)[..., None]
        x = x.gather(0, order.expand(-1, -1, x.shape[2]))
    x = torch.cat([x, (~real)[..., None].to(x.dtype)], -1) if part.mode == "LSTM" else x
    y, _, *cell = run(part, row, x, states)
    y = torch.where(real[..., None], y, torch.zeros((), dtype=y.dtype))
    hidden = y.gather(0, (lengths - 1).reshape(1, -1, 1).expand(-1, -1, y.shape[2]))
    y = y if order is None else y.gather(0, order.expand(-1, -1, y.shape[2]))
    return [y, hidden, *cell]


def keeping_weights(weights: Tensor, forget: int) -> Tensor:
    """Return the input weights of an LSTM, (gates, features), with those of a feature that keeps the cell as it is.

    :param forget: position of the forget gate; the input gate is the first.
    """
    import torch

    size = weights.shape[0] // 4
    gates = [weights.new_zeros((size, 1)) for _ in range(4)]
    gates[0], gates[forget] = gates[0] - SATURATED, gates[forget] + SATURATED
    return torch.cat([weights, torch.cat(gates)], 1)


def row_lengths(batch_sizes: Tensor, batch: Any) -> Tensor:
    """Return the steps of each row, longest first, from the number of rows that have each step."""
    import torch

    return (batch_sizes[:, None] > torch.arange(batch)[None]).sum(0)


def _pack(input: Tensor, lengths: Tensor, batch_first: bool) -> tuple[Tensor, Tensor]:
    import torch

    data = input.transpose(0, 1) if batch_first else input
    return data, (lengths[None] > torch.arange(data.shape[0])[:, None]).sum(1)


def _pad(
    data: Tensor, batch_sizes: Tensor, batch_first: bool, padding_value: float, total_length: Any
) -> tuple[Tensor, Tensor]:
    import torch

    lengths = row_lengths(batch_sizes, data.shape[1])
    real = torch.arange(data.shape[0])[:, None] < lengths[None]
    real = real.reshape(*real.shape, *[1] * (data.dim() - 2))
    padded = torch.where(real, data, torch.full((), padding_value, dtype=data.dtype))
    return padded.transpose(0, 1) if batch_first else padded, lengths
