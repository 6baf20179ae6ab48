"""The HiFi-GANs of transformers, with a mask: of VITS, of SpeechT5 and of FastSpeech 2."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu


class HifiGan(nn.Module):
    """Frames (batch, frames, features) and a mask (batch, frames) to samples (batch, samples).

    It computes what the generator computes (Kong et al. 2020, arXiv:2010.05646), and what is padding in the mask is
    zero before every convolution, as it is after the end of the frames.

    :param generator: a ``VitsHifiGan``, ``SpeechT5HifiGan`` or ``FastSpeech2ConformerHifiGan``.
    """

    def __init__(self, generator: Any) -> None:
        super().__init__()
        self.generator = generator
        self.slope: float = generator.config.leaky_relu_slope
        self.normalizes: bool = getattr(generator.config, "normalize_before", False)

    def forward(self, frames: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """Return the samples; ``speaker`` is an embedding, (batch, features, 1)."""
        own: Any = self.generator
        if self.normalizes:
            frames = (frames - own.mean) / own.scale
        mask = mask.unsqueeze(1)
        x = own.conv_pre(frames.transpose(1, 2) * mask)
        if speaker is not None:
            x = x + own.cond(speaker)
        for stage, upsample in enumerate(own.upsampler):
            x = upsample(leaky_relu(x, self.slope) * mask)
            mask = mask.unsqueeze(-1).expand(-1, -1, -1, upsample.stride[0]).flatten(2)
            blocks = own.resblocks[stage * own.num_kernels : (stage + 1) * own.num_kernels]
            first, *others = (_residual(block, x, mask) for block in blocks)
            x = sum(others, first) / own.num_kernels
        return torch.tanh(own.conv_post(leaky_relu(x) * mask)).squeeze(1)


def _residual(block: Any, x: Tensor, mask: Tensor) -> Tensor:
    """Return the output of a ``HifiGanResidualBlock``."""
    slope: float = block.leaky_relu_slope
    for dilated, plain in zip(block.convs1, block.convs2, strict=True):
        x = x + plain(leaky_relu(dilated(leaky_relu(x, slope) * mask), slope) * mask)
    return x


class MelVocoder(nn.Module):
    """``mel`` (batch, frames, bands) to ``samples`` (batch, samples).

    :param generator: a ``SpeechT5HifiGan`` or ``FastSpeech2ConformerHifiGan``.
    """

    def __init__(self, generator: Any) -> None:
        super().__init__()
        self.vocoder = HifiGan(generator)

    def forward(self, mel: Tensor, mask: Tensor) -> Tensor:
        samples: Tensor = self.vocoder(mel, mask)
        return samples
