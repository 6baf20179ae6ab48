"""Networks that distinguish real from generated speech, for the adversarial stage of the vocoder.

Spectrograms at three resolutions (UnivNet, Jang et al. 2021) show the fine structure of the upper bands. The wave
folded at five periods (HiFi-GAN, Kong et al. 2020) shows whether its pulses are regular. Both are small, for a CPU.
"""

from __future__ import annotations

import torch
from features import magnitude, stft
from torch import nn
from torch.nn import functional as F

RESOLUTIONS = (320, 640, 1280)
PERIODS = (2, 3, 5, 7, 11)


class ResolutionDiscriminator(nn.Module):
    """Scores a spectrogram of one resolution."""

    def __init__(self, size: int, channels: int = 24) -> None:
        super().__init__()
        self.size = size
        shapes = [
            (1, (7, 5), (2, 1)),
            (channels, (5, 3), (2, 1)),
            (channels, (5, 3), (2, 2)),
            (channels, (3, 3), (2, 1)),
        ]
        self.layers = nn.ModuleList(_convolution(inputs, channels, kernel, stride) for inputs, kernel, stride in shapes)
        self.out = _convolution(channels, 1, (3, 3), (1, 1))

    def forward(self, wave: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return (scores, activations of each layer) of waves, (batch, samples)."""
        return _apply_layers(self, magnitude(stft(wave, self.size, self.size // 4), 1e-8)[:, None].pow(0.3))


class PeriodDiscriminator(nn.Module):
    """Scores the wave folded at one period: every ``period``-th sample at a time."""

    def __init__(self, period: int, channels: tuple[int, ...] = (16, 32, 64, 64)) -> None:
        super().__init__()
        self.period = period
        steps = zip((1, *channels), channels, (3, 3, 3, 1), strict=False)
        self.layers = nn.ModuleList(
            _convolution(inputs, outputs, (5, 1), (stride, 1)) for inputs, outputs, stride in steps
        )
        self.out = _convolution(channels[-1], 1, (3, 1), (1, 1))

    def forward(self, wave: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return (scores, activations of each layer) of waves, (batch, samples)."""
        length = wave.shape[1] // self.period * self.period
        return _apply_layers(self, wave[:, None, :length].unflatten(2, (-1, self.period)))


def discriminators() -> nn.ModuleList:
    """Return all discriminators."""
    return nn.ModuleList([*map(ResolutionDiscriminator, RESOLUTIONS), *map(PeriodDiscriminator, PERIODS)])


def discriminator_loss(networks: nn.ModuleList, real: torch.Tensor, generated: torch.Tensor) -> torch.Tensor:
    """Return the hinge loss of the discriminators for waves, (batch, samples) each."""
    losses = [F.relu(1 - d(real)[0].float()).mean() + F.relu(1 + d(generated)[0].float()).mean() for d in networks]
    return torch.stack(losses).mean()


def generator_losses(
    networks: nn.ModuleList, real: torch.Tensor, generated: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the vocoder's losses, (adversarial, feature matching), for waves, (batch, samples) each."""
    adversarial, matching = [], []
    for discriminator in networks:
        scores, activations = discriminator(generated)
        with torch.no_grad():
            expected = discriminator(real)[1]
        adversarial.append(-scores.float().mean())
        distances = [(a.float() - b.float()).abs().mean() for a, b in zip(expected, activations, strict=True)]
        matching.append(torch.stack(distances).mean())
    return torch.stack(adversarial).mean(), torch.stack(matching).mean()


def _apply_layers(discriminator: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    activations = []
    for layer in discriminator.layers:
        x = F.leaky_relu(layer(x), 0.1)
        activations.append(x)
    return discriminator.out(x), activations


def _convolution(inputs: int, outputs: int, kernel: tuple[int, int], stride: tuple[int, int]) -> nn.Module:
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding=(kernel[0] // 2, kernel[1] // 2))
    return nn.utils.parametrizations.weight_norm(layer)
