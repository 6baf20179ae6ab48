"""The building blocks of the networks: a one-dimensional ConvNeXt block, and a trunk of such blocks."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class ConvNeXtBlock(nn.Module):
    """A depthwise convolution, layer norm, two pointwise layers and a scaled residual (Liu et al. 2022) over time.

    Input and output have the shape (batch, channels, time). A ``mask``, (batch, 1, time), zeroes padding before each
    convolution, so a padded input gives the same values as an unpadded one.
    """

    def __init__(self, channels: int, widen: int = 3, kernel: int = 7) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.expand = nn.Linear(channels, channels * widen)
        self.shrink = nn.Linear(channels * widen, channels)
        self.scale = nn.Parameter(torch.full((channels,), 0.2))

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.depthwise(x).transpose(1, 2))
        y = self.shrink(F.gelu(self.expand(y), approximate="tanh")) * self.scale
        return (x + y.transpose(1, 2)) * mask


class Trunk(nn.Module):
    """A convolution, several :class:`ConvNeXtBlock` and a layer norm.

    Its receptive field is ``kernel // 2 + 3 * blocks`` steps on each side.
    """

    def __init__(self, inputs: int, channels: int, blocks: int, kernel: int = 7) -> None:
        super().__init__()
        self.start = nn.Conv1d(inputs, channels, kernel, padding=kernel // 2)
        self.start_norm = nn.LayerNorm(channels)
        self.blocks = nn.ModuleList(ConvNeXtBlock(channels) for _ in range(blocks))
        self.end_norm = nn.LayerNorm(channels)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Map (batch, inputs, time) and a mask, (batch, 1, time), to (batch, time, channels)."""
        x = self.start_norm(self._first_convolution(x * mask)).transpose(1, 2) * mask
        for block in self.blocks:
            x = block(x, mask)
        return self.end_norm(x.transpose(1, 2))

    def _first_convolution(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the first convolution, (batch, inputs, time) to (batch, time, channels), as one matrix product.

        Runtimes choose their convolution algorithm by the length of the input, and each rounds differently: over 560
        products the difference was 2e-5 of the samples. Their matrix products round alike at every length.
        """
        kernel, time = self.start.kernel_size[0], x.shape[2]
        padded = F.pad(x, (kernel // 2, kernel // 2))
        shifted = torch.cat([padded[:, :, i : i + time] for i in range(kernel)], 1)
        weight = self.start.weight.permute(0, 2, 1).reshape(self.start.out_channels, -1)
        return F.linear(shifted.transpose(1, 2), weight, self.start.bias)
