"""Recurrent modules as the recurrent operators of ONNX.

The exporter of torch 2.13 writes an ``nn.RNN`` as one copy of its cell for each step of the example, and cannot write
packed sequences at all. Here every ``nn.LSTM``, ``nn.GRU`` and ``nn.RNN`` is one operator a layer, for any number of
steps (https://onnx.ai/onnx/operators/onnx__LSTM.html), with its weights in the layout of ONNX.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from voxstack_packager.errors import PackagingError
from voxstack_packager.export.padded_sequences import keeping_weights, recurrence, run_padded_layers

if TYPE_CHECKING:
    from torch import Tensor, nn

GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}
"""The gates of torch in the order of ONNX."""

OPSET = 14


def use_onnx_recurrences(module: nn.Module, where: str) -> nn.Module:
    """Return a copy of a module whose recurrences compute by the operators of ONNX; itself, if it has none.

    Only the exporter to ONNX can run it. Subclasses with a ``forward`` of their own are left as they are.

    :raises PackagingError: for an ``nn.LSTM`` with projections, for which ONNX has no operator.
    """
    if not any(is_stock_recurrence(part) for part in module.modules()):
        return module
    result = copy.deepcopy(module)
    for name, part in list(result.named_modules()):
        if is_stock_recurrence(part):
            if part.proj_size:
                problem = f"{name.removeprefix('module.')!r} has a proj_size, for which ONNX has no operator"
                raise PackagingError(where, f"{problem}; use an nn.LSTM and an nn.Linear")
            _convert(part)
    return result.eval()


def is_stock_recurrence(part: Any) -> bool:
    """Return whether a module is an LSTM, GRU or RNN of torch with the ``forward`` of torch."""
    from torch import nn

    return isinstance(part, nn.RNNBase) and type(part).forward in (nn.LSTM.forward, nn.GRU.forward, nn.RNN.forward)


def _convert(part: Any) -> None:
    """Give a recurrent module its weights in the layout of ONNX, and the forward that uses them."""
    for layer in range(part.num_layers):
        for name, tensor in zip("WRB", _layer_weights(part, layer), strict=True):
            part.register_buffer(f"onnx_{name}_{layer}", tensor)
    forward = lambda self, input, hx=None: recurrence(self, input, hx, _run_layers)  # noqa: E731
    part.__class__ = type(type(part).__name__, (type(part),), {"forward": forward})


def _kind(part: Any) -> str:
    return "RNN" if part.mode.startswith("RNN") else str(part.mode)


def _layer_weights(part: Any, layer: int) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return W (directions, gates * hidden, inputs), R (..., hidden) and B (directions, 2 * gates * hidden)."""
    import torch

    gates = GATES[_kind(part)]

    def ordered(tensor: Tensor) -> Tensor:
        blocks = tensor.detach().chunk(len(gates))
        return torch.cat([blocks[gate] for gate in gates])

    suffixes = [f"l{layer}", f"l{layer}_reverse"][: 1 + part.bidirectional]
    kinds = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if part.bias else [])]
    rows = [[ordered(getattr(part, f"{kind}_{suffix}")) for kind in kinds] for suffix in suffixes]
    w, r = (torch.stack([row[i] for row in rows]) for i in range(2))
    return w, r, torch.stack([torch.cat(row[2:]) for row in rows]) if part.bias else None


def _run_layers(
    part: Any, x: Tensor, states: Sequence[Tensor] | None, lengths: Tensor | None
) -> tuple[Tensor, list[Tensor]]:
    import torch

    if lengths is not None:
        return run_padded_layers(part, x, states, lengths, _run_direction)
    directions = 1 + part.bidirectional
    last: list[list[Tensor]] = []
    for layer in range(part.num_layers):
        rows = slice(layer * directions, (layer + 1) * directions)
        y, *after = _operator(part, x, _weights(part, layer), [state[rows] for state in states or ()])
        x = torch.cat([y[:, 0], y[:, 1]], -1) if part.bidirectional else y.squeeze(1)
        last.append(after)
    return x, [torch.cat(parts) if len(parts) > 1 else parts[0] for parts in zip(*last, strict=True)]


def _run_direction(part: Any, row: int, x: Tensor, states: Sequence[Tensor]) -> Sequence[Tensor]:
    layer, direction = divmod(row, 1 + part.bidirectional)
    w, r, b = (None if tensor is None else tensor[direction : direction + 1] for tensor in _weights(part, layer))
    if part.mode == "LSTM":
        assert w is not None, "every layer has input weights"
        w = keeping_weights(w[0], forget=2)[None]
    y, *after = _operator(part, x, [w, r, b], states)
    return [y.squeeze(1), *after]


def _weights(part: Any, layer: int) -> list[Tensor | None]:
    """Return W, R and B of a layer."""
    return [getattr(part, f"onnx_{name}_{layer}") for name in "WRB"]


def _operator(part: Any, x: Tensor, weights: Sequence[Tensor | None], states: Sequence[Tensor]) -> Sequence[Tensor]:
    """Return the output, (steps, directions, batch, hidden), and the last states, (directions, batch, hidden).

    :param weights: W, R and B, of both directions or of one.
    """
    import torch

    assert weights[0] is not None, "every layer has input weights"
    directions, kind = weights[0].shape[0], _kind(part)
    attributes: dict[str, Any] = {"hidden_size": part.hidden_size}
    attributes |= {"direction": "bidirectional"} if directions == 2 else {}
    attributes |= {"linear_before_reset": 1} if kind == "GRU" else {}
    attributes |= {"activations": ["Relu"] * directions} if part.mode == "RNN_RELU" else {}
    shapes = [[x.shape[0], directions, x.shape[1], part.hidden_size]]
    shapes += [[directions, x.shape[1], part.hidden_size]] * (2 if kind == "LSTM" else 1)
    return torch.onnx.ops.symbolic_multi_out(
        kind, [x, *weights, None, *states], attributes, dtypes=[x.dtype] * len(shapes), shapes=shapes, version=OPSET
    )
