"""The vocoder's second training stage: spectrogram discriminators bring out the fine structure above 3 kHz.

Three resolutions (Jang et al. 2021), hinge loss and feature matching; the spectral losses stay on at four times the weight.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from features import log_mel, magnitude, stft
from fitting import fit, set_rate, weights
from speech import Speech
from torch import nn
from torch.nn import functional as F
from vocoder import Vocoder, crops, spectral_loss

RESOLUTIONS = (320, 640, 1280)
RAMP = 100  # steps over which the adversarial terms come in


class Discriminator(nn.Module):
    """Tells real speech from made speech by its spectrogram at one resolution."""

    def __init__(self, size: int, channels: int = 24) -> None:
        super().__init__()
        self.size = size
        shapes = [(1, (7, 5), (2, 1)), (channels, (5, 3), (2, 1)), (channels, (5, 3), (2, 2)), (channels, (3, 3), (2, 1))]
        self.layers = nn.ModuleList(_convolution(inputs, channels, kernel, stride) for inputs, kernel, stride in shapes)
        self.out = _convolution(channels, 1, (3, 3), (1, 1))

    def forward(self, wave: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """(batch, samples) to (scores, what each layer saw)."""
        x = magnitude(stft(wave, self.size, self.size // 4), 1e-8)[:, None].pow(0.3)
        seen = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.1)
            seen.append(x)
        return self.out(x), seen


def _convolution(inputs: int, outputs: int, kernel: tuple[int, int], stride: tuple[int, int]) -> nn.Module:
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding=(kernel[0] // 2, kernel[1] // 2))
    return nn.utils.parametrizations.weight_norm(layer)


def judge(discriminators: nn.ModuleList, true: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
    """The discriminators' hinge loss."""
    losses = [F.relu(1 - d(true)[0].float()).mean() + F.relu(1 + d(made)[0].float()).mean() for d in discriminators]
    return torch.stack(losses).mean()


def deceive(discriminators: nn.ModuleList, true: torch.Tensor, made: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The vocoder's losses: (adversarial, feature matching)."""
    adversarial, matching = [], []
    for discriminator in discriminators:
        score, seen = discriminator(made)
        with torch.no_grad():
            wanted = discriminator(true)[1]
        adversarial.append(-score.float().mean())
        matching.append(torch.stack([(a.float() - b.float()).abs().mean() for a, b in zip(wanted, seen, strict=True)]).mean())
    return torch.stack(adversarial).mean(), torch.stack(matching).mean()


def train(voices: list[Speech], start: Path, checkpoint: Path, steps: int, batch: int = 8) -> Vocoder:
    """Go on with the vocoder of the checkpoint ``start`` against discriminators of its own."""
    torch.manual_seed(0)
    model, discriminators = Vocoder(), nn.ModuleList(Discriminator(size) for size in RESOLUTIONS)
    model.load_state_dict(weights(start, "model"))
    of_model = torch.optim.AdamW(model.parameters(), betas=(0.8, 0.99))
    of_discriminators = torch.optim.AdamW(discriminators.parameters(), 5e-4, betas=(0.8, 0.99))

    def step(number: int) -> dict[str, float]:
        done = number / steps
        set_rate(of_model, 3e-4 * (1.0 if done < 0.5 else max(0.05, (1 - done) / 0.5)))
        true = crops(voices, 10**9 + number, batch)
        level = 1 / true.abs().amax(1, keepdim=True).clamp(min=0.02)
        with torch.autocast(true.device.type, torch.bfloat16):
            made = model.wave(log_mel(true).transpose(1, 2))
        loss, distance = spectral_loss(made, true)
        with torch.autocast(true.device.type, torch.bfloat16):
            verdict = judge(discriminators, true * level, made.detach() * level)
        of_discriminators.zero_grad()
        verdict.backward()
        of_discriminators.step()
        with torch.autocast(true.device.type, torch.bfloat16):
            adversarial, matching = deceive(discriminators, true * level, made * level)
        of_model.zero_grad()
        (4 * loss + min(1.0, number / RAMP) * (0.5 * adversarial + 2 * matching)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        of_model.step()
        return {"loss": loss.item(), "mel": distance.item(), "discriminator": verdict.item(), "matching": matching.item()}

    parts = {"model": model, "discriminators": discriminators, "of_model": of_model, "of_discriminators": of_discriminators}
    fit("vocoder, adversarial", checkpoint, steps, parts, step)
    return model


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=6000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    voices = [Speech.load(options.work / f"{voice}.npz") for voice in ("slt", "rms")]
    train(voices, options.work / "vocoder.pt", options.work / "vocoder_adversarial.pt", options.steps)
