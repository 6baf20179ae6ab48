"""The vocoder, and its first training stage, on spectral losses alone.

A ConvNeXt trunk and an inverse-STFT head (Vocos, Siuzdak 2023) map log-mel frames to the real and imaginary parts of
each frame's spectrum. The receptive field is 3 + 6 x 3 = 21 frames on each side; the overlap-add adds 2.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from features import HOP, MELS, N_FFT, istft, log_mel, magnitude, stft
from layers import Trunk
from speech_corpus import SpeechCorpus
from torch import nn
from training_loop import learning_rate_factor, run_training, set_learning_rate

BINS = N_FFT // 2 + 1
RESOLUTIONS = (256, 512, 1024, 2048)
CROP = 48  # frames of a training example


class Vocoder(nn.Module):
    """Maps log-mel frames to spectra."""

    def __init__(self, channels: int = 192, blocks: int = 6) -> None:
        super().__init__()
        self.trunk = Trunk(MELS, channels, blocks)
        self.head = nn.Linear(channels, 2 * BINS)

    def forward(self, mel: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Map mels, (batch, frames, 80), and a mask, (batch, frames), to spectra, (batch, frames, 802).

        A spectrum is 401 real parts, then 401 imaginary ones.
        """
        x = self.head(self.trunk(mel.transpose(1, 2), mask[:, None])).float()
        size, phase = torch.exp(x[..., :BINS].clamp(max=6.0)), x[..., BINS:]
        return torch.cat([size * torch.cos(phase), size * torch.sin(phase)], 2)

    def wave(self, mel: torch.Tensor) -> torch.Tensor:
        """Return the samples, (batch, frames * 200), of mels, (batch, frames, 80)."""
        spectra = self(mel, torch.ones(mel.shape[:2], device=mel.device)).transpose(1, 2)
        return istft(torch.complex(spectra[:, :BINS], spectra[:, BINS:]))


def spectral_loss(predicted: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (total loss, mel distance in nats) of waves, (batch, samples) each.

    The total is the spectral convergence and log-magnitude distance at four resolutions (Yamamoto et al. 2020), plus
    the log-mel distance.
    """
    total = torch.zeros((), device=predicted.device)
    for size in RESOLUTIONS:
        a, b = (magnitude(stft(x, size, size // 4), 1e-8) for x in (predicted, target))
        total = total + (a - b).norm() / b.norm() + (torch.log(a + 1e-4) - torch.log(b + 1e-4)).abs().mean()
    mel = (log_mel(predicted) - log_mel(target)).abs().mean()
    return total / len(RESOLUTIONS) + mel, mel


def crops(voices: list[SpeechCorpus], step: int, batch: int) -> torch.Tensor:
    """Draw training examples, (batch, CROP * 200) samples, by the number of the step alone."""
    rng = random.Random(step)
    rows: list[np.ndarray] = []
    while len(rows) < batch:
        corpus = rng.choice(voices)
        wave = corpus.wave_of(rng.randrange(len(corpus)))
        if len(wave) > (CROP + 1) * HOP:
            start = rng.randrange(len(wave) - CROP * HOP)
            rows.append(wave[start : start + CROP * HOP])
    return torch.from_numpy(np.stack(rows))


def train(voices: list[SpeechCorpus], checkpoint: Path, steps: int, batch: int = 12) -> Vocoder:
    """Train a vocoder, or resume its training from ``checkpoint``."""
    torch.manual_seed(0)
    model = Vocoder()
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.8, 0.99), weight_decay=1e-3)

    def step(number: int) -> dict[str, float]:
        set_learning_rate(optimizer, 1.5e-3 * learning_rate_factor(number, steps, warm_up=100))
        target = crops(voices, number, batch)
        mel = log_mel(target).transpose(1, 2)
        with torch.autocast(target.device.type, torch.bfloat16):
            predicted = model.wave(mel)
        loss, distance = spectral_loss(predicted, target)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        return {"loss": loss.item(), "mel": distance.item()}

    run_training("vocoder", checkpoint, steps, {"model": model, "optimizer": optimizer}, step)
    return model


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--work", type=Path, required=True, help="folder of the speech and of the checkpoint, vocoder.pt"
    )
    parser.add_argument("--steps", type=int, default=12000, help="number of updates")
    options = parser.parse_args()
    torch.set_num_threads(1)
    train(
        [SpeechCorpus.load(options.work / f"{voice}.npz") for voice in ("slt", "rms")],
        options.work / "vocoder.pt",
        options.steps,
    )
