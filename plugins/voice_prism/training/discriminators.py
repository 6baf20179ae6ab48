"""Networks that tell real speech from made speech, for the adversarial stage of the vocoder.

Spectrograms at three resolutions (UnivNet, Jang et al. 2021) see the fine structure of the upper bands; the wave folded at five
periods (HiFi-GAN, Kong et al. 2020) sees whether its pulses come regularly. Both are small, for a CPU.
"""

from __future__ import annotations

import torch
from features import magnitude, stft
from torch import nn
from torch.nn import functional as F

RESOLUTIONS = (320, 640, 1280)
PERIODS = (2, 3, 5, 7, 11)


class ResolutionDiscriminator(nn.Module):
    """Looks at a spectrogram of one resolution."""

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
        """(batch, samples) to (scores, what each layer saw)."""
        return _through(self, magnitude(stft(wave, self.size, self.size // 4), 1e-8)[:, None].pow(0.3))


class PeriodDiscriminator(nn.Module):
    """Looks at every ``period``-th sample at a time."""

    def __init__(self, period: int, channels: tuple[int, ...] = (16, 32, 64, 64)) -> None:
        super().__init__()
        self.period = period
        steps = zip((1, *channels), channels, (3, 3, 3, 1), strict=False)
        self.layers = nn.ModuleList(
            _convolution(inputs, outputs, (5, 1), (stride, 1)) for inputs, outputs, stride in steps
        )
        self.out = _convolution(channels[-1], 1, (3, 1), (1, 1))

    def forward(self, wave: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """(batch, samples) to (scores, what each layer saw)."""
        length = wave.shape[1] // self.period * self.period
        return _through(self, wave[:, None, :length].unflatten(2, (-1, self.period)))


def discriminators() -> nn.ModuleList:
    """All of them."""
    return nn.ModuleList([*map(ResolutionDiscriminator, RESOLUTIONS), *map(PeriodDiscriminator, PERIODS)])


def judge(all_of_them: nn.ModuleList, true: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
    """The discriminators' hinge loss."""
    losses = [F.relu(1 - d(true)[0].float()).mean() + F.relu(1 + d(made)[0].float()).mean() for d in all_of_them]
    return torch.stack(losses).mean()


def deceive(all_of_them: nn.ModuleList, true: torch.Tensor, made: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The vocoder's losses: (adversarial, feature matching)."""
    adversarial, matching = [], []
    for discriminator in all_of_them:
        score, seen = discriminator(made)
        with torch.no_grad():
            wanted = discriminator(true)[1]
        adversarial.append(-score.float().mean())
        matching.append(
            torch.stack([(a.float() - b.float()).abs().mean() for a, b in zip(wanted, seen, strict=True)]).mean()
        )
    return torch.stack(adversarial).mean(), torch.stack(matching).mean()


def _through(discriminator: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    seen = []
    for layer in discriminator.layers:
        x = F.leaky_relu(layer(x), 0.1)
        seen.append(x)
    return discriminator.out(x), seen


def _convolution(inputs: int, outputs: int, kernel: tuple[int, int], stride: tuple[int, int]) -> nn.Module:
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding=(kernel[0] // 2, kernel[1] // 2))
    return nn.utils.parametrizations.weight_norm(layer)
