"""Causal convolutions of codecs that run on consecutive chunks, with their states as inputs and outputs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxstack_packager import PackagingError


class StreamedConvolution(nn.Module):
    """A causal convolution of stride 1, whose state is the end of its input so far.

    :param layer: a causal ``Conv1d`` of transformers' Mimi family.
    :param where: its place in the model, for errors.
    :raises PackagingError: if it has another stride or padding.
    """

    def __init__(self, layer: Any, where: str) -> None:
        super().__init__()
        self.convolution: nn.Conv1d = layer.conv
        if not layer.causal or self.convolution.stride != (1,) or layer.pad_mode != "constant":
            found = f"causal {layer.causal}, stride {self.convolution.stride[0]}, pad_mode {layer.pad_mode!r}"
            problem = "streams if it is causal, of stride 1 and padded with zeros (pad_mode 'constant')"
            raise PackagingError(where, f"{problem}, and has {found}")
        self.channels = self.convolution.in_channels
        self.steps = (self.convolution.kernel_size[0] - 1) * self.convolution.dilation[0]
        """Steps of the state."""

    def forward(self, x: Tensor, history: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Compute a chunk, (batch, channels, steps), from the state, (batch, channels, steps of it), if it has one."""
        if history is None:
            return self.convolution(x), None
        x = torch.cat([history, x], -1)
        return self.convolution(x), x[..., -self.steps :]


class StreamedTransposedConvolution(nn.Module):
    """A causal transposed convolution, whose state is the end of its input so far.

    Each step of the input becomes as many steps of the output as the stride is long. They are computed as channels of
    an ordinary convolution over the input, and then put in order (Shi et al. 2016, arXiv:1609.07009): ONNX Runtime is
    faster at that, and no output is a sum over two chunks.

    :param layer: a causal ``ConvTranspose1d`` of transformers' Mimi family.
    :param where: its place in the model, for errors.
    :raises PackagingError: if it is trimmed on the left, or has several groups of more than one channel.
    """

    weight: Tensor

    def __init__(self, layer: Any, where: str) -> None:
        super().__init__()
        transposed: nn.ConvTranspose1d = layer.conv
        self.stride, self.channels, groups = transposed.stride[0], transposed.in_channels, transposed.groups
        if not layer.causal or layer.padding_left:
            problem = "streams if it is causal and trimmed on the right alone (trim_right_ratio 1)"
            raise PackagingError(where, f"{problem}, and it is trimmed by {layer.padding_left} steps on the left")
        if groups not in (1, self.channels) or (groups > 1 and transposed.out_channels != groups):
            problem = f"has {groups} groups for {self.channels} channels; supported are 1, and one for each channel"
            raise PackagingError(where, problem)
        self.groups, self.steps = groups, -(-transposed.kernel_size[0] // self.stride) - 1
        """``steps``: of the state."""
        weight = transposed.weight.detach()
        weight = functional.pad(weight, (0, (self.steps + 1) * self.stride - weight.shape[-1]))
        weight = torch.unflatten(weight, -1, (self.steps + 1, self.stride)).flip(
            2
        )  # the newest step last, as it is read
        weight = weight.permute(1, 3, 0, 2) if groups == 1 else weight.permute(0, 3, 1, 2)
        self.register_buffer("weight", weight.flatten(0, 1).contiguous())
        bias = None if transposed.bias is None else transposed.bias.detach().repeat_interleave(self.stride)
        self.register_buffer("bias", bias)

    def forward(self, x: Tensor, history: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Compute a chunk, (batch, channels, steps), from the state, (batch, channels, steps of it), if it has one."""
        if history is not None:
            x = torch.cat([history, x], -1)
        bias: Tensor | None = self.bias  # type: ignore[assignment]
        y = functional.conv1d(x, self.weight, bias, groups=self.groups)
        y = torch.unflatten(y, 1, (-1, self.stride)).transpose(2, 3).flatten(2)
        return y, None if history is None else x[..., -self.steps :]


class Elu(nn.Module):
    """An ELU by exponentials of whole arrays, which ONNX Runtime computes faster than its own ELU.

    :param scale: of what is below 0.
    """

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        below = torch.exp(torch.clamp(x, max=0.0)) - 1.0
        if self.scale == 1.0:
            return torch.maximum(x, below)  # the exponential is never below the line
        return torch.where(x > 0, x, self.scale * below)


class ResidualBlock(nn.Module):
    """A residual block of SEANet (Tagliasacchi et al. 2020, arXiv:2009.02095).

    :param block: one of transformers' Mimi family.
    """

    def __init__(self, block: Any, where: str) -> None:
        super().__init__()
        layers = [layer for layer in block.block if hasattr(layer, "conv")]
        self.activations = nn.ModuleList(_streamed(layer, where) for layer in block.block if not hasattr(layer, "conv"))
        self.convolutions = nn.ModuleList(StreamedConvolution(layer, where) for layer in layers)
        self.shortcut = StreamedConvolution(block.shortcut, where) if hasattr(block.shortcut, "conv") else None


class StreamedSeanet(nn.Module):
    """The convolutional decoder of a codec, SEANet, on consecutive chunks.

    ``states`` are the shapes of its states, (channels, steps) by name.

    :param decoder: that of a model of transformers' Mimi family.
    """

    def __init__(self, decoder: Any, where: str = "decoder") -> None:
        super().__init__()
        self.layers = nn.ModuleList(_streamed(layer, f"{where}.layers.{i}") for i, layer in enumerate(decoder.layers))
        streamed = [part for part in self.modules() if isinstance(part, _STREAMED)]
        self.states = {f"seanet_{i}": (part.channels, part.steps) for i, part in enumerate(streamed) if part.steps}

    def forward(self, x: Tensor, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Return (batch, 1, samples) for (batch, channels, steps), and the states after them."""
        run = _Run(states)
        for layer in self.layers:
            if isinstance(layer, ResidualBlock):
                y = x
                for activation, convolution in zip(layer.activations, layer.convolutions, strict=True):
                    y = run(convolution, activation(y))
                x = y + (x if layer.shortcut is None else run(layer.shortcut, x))
            else:
                x = run(layer, x) if isinstance(layer, _STREAMED) else layer(x)
        return x, run.following


_STREAMED = (StreamedConvolution, StreamedTransposedConvolution)


class _Run:
    """Runs layers in turn, each with the next of the states if it has one."""

    def __init__(self, states: list[Tensor]) -> None:
        self._states = iter(states)
        self.following: list[Tensor] = []

    def __call__(self, layer: Any, x: Tensor) -> Tensor:
        y, following = layer(x, next(self._states) if layer.steps else None)
        if following is not None:
            self.following.append(following)
        computed: Tensor = y
        return computed


def _streamed(layer: Any, where: str) -> nn.Module:
    """Return a layer of SEANet in its streamed form."""
    if hasattr(layer, "block"):
        return ResidualBlock(layer, where)
    if isinstance(getattr(layer, "conv", None), nn.ConvTranspose1d):
        return StreamedTransposedConvolution(layer, where)
    if isinstance(layer, nn.ELU):
        return Elu(layer.alpha)
    return StreamedConvolution(layer, where) if hasattr(layer, "conv") else layer
