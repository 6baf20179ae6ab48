"""The vocoder's second training stage: against discriminators, with the periodicity of each band as a loss of its own, and at
the end on mels that the acoustic model predicted.

The spectral losses stay on at four times the weight. Discriminators and spectral losses hardly notice that the upper bands of a
low voice are less periodic than the teacher's: :func:`periodicity_loss` is what brings that right.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from discriminators import deceive, discriminators, judge
from features import BANDS, HOP, SAMPLE_RATE, log_mel
from fitting import fit, set_rate, weights
from speech import Speech
from torch import nn
from vocoder import CROP, Vocoder, crops, spectral_loss

RAMP = 100  # steps over which the adversarial terms come in
PREDICTED_FROM = 0.6  # share of the steps after which half of the mels are predicted ones
LAGS = (35, 290)  # samples: pitches from 55 to 457 Hz
VOICED = 0.6  # periodicity of the lowest band from which a frame counts as voiced


def periodicity_loss(made: torch.Tensor, true: torch.Tensor, size: int = 800, hop: int = 200) -> torch.Tensor:
    """How far the periodicity of ``made``, (batch, samples), is from that of ``true``, in each band of each voiced frame.

    Periodicity is the autocorrelation of a band of a 50 ms frame at the pitch lag, the best within 4 %; the lag is where the
    lowest band of ``true`` has its peak. The mean distance and the distance of the means both count: the first alone would be
    content with a voice that is too breathy as often as too buzzy.
    """
    a, b = (_autocorrelation(wave, size, hop) for wave in (made, true))
    peak, lag = b[0].max(-1)
    lags = [(lag + LAGS[0]) * (1 + share / 100) - LAGS[0] for share in range(-4, 5)]
    near = torch.stack(lags, -1).round().long().clamp(0, b.shape[-1] - 1)
    best = [torch.gather(x, -1, near.expand(len(BANDS), *near.shape)).amax(-1) for x in (a, b)]
    voiced = (peak > VOICED).float()
    count = voiced.sum().clamp(min=1)
    away = (best[0] - best[1]) * voiced
    each, means = away.abs().sum((1, 2)) / count, (away.sum(2) / voiced.sum(1).clamp(min=1)).abs().mean(1)
    return (each + means).mean()


def _autocorrelation(wave: torch.Tensor, size: int, hop: int) -> torch.Tensor:
    """(batch, samples) to (bands, batch, frames, lags), 1 at lag 0; by the inverse transform of the power spectrum."""
    frames = wave.float().unfold(1, size, hop) * torch.hann_window(size)
    power = torch.fft.rfft(frames, 2048).abs().square()
    hertz = torch.linspace(0, SAMPLE_RATE / 2, power.shape[-1])
    bands = torch.stack([((hertz >= low) & (hertz < high)).float() for low, high in BANDS])
    whole = torch.fft.irfft(power * bands[:, None, None])
    return whole[..., LAGS[0] : LAGS[1]] / (whole[..., :1] + 1e-7)


def predicted_crops(speech: Speech, mels: np.ndarray, step: int, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (batch, CROP * 200) samples and (batch, CROP, 80) mels predicted for them, drawn by the number of the step alone.

    :param mels: (frames, 80), of the frames of ``speech``.
    """
    draw = random.Random(step)
    waves, rows = [], []
    while len(waves) < batch:
        span = speech.span(draw.randrange(len(speech)))
        if span.stop - span.start > CROP:
            start = draw.randrange(span.start, span.stop - CROP)
            waves.append(speech.wave[start * HOP : (start + CROP) * HOP].astype(np.float32) / 32768)
            rows.append(mels[start : start + CROP].astype(np.float32))
    return torch.from_numpy(np.stack(waves)), torch.from_numpy(np.stack(rows))


def train(
    voices: list[Speech], start: Path, checkpoint: Path, steps: int, predicted: np.ndarray | None = None, batch: int = 8
) -> Vocoder:
    """Go on with the vocoder of the checkpoint ``start`` against discriminators of its own.

    :param predicted: mels that the acoustic model makes of the first voice's utterances, (frames, 80).
    """
    torch.manual_seed(0)
    model, judges = Vocoder(), discriminators()
    model.load_state_dict(weights(start, "model"))
    of_model = torch.optim.AdamW(model.parameters(), betas=(0.8, 0.99))
    of_judges = torch.optim.AdamW(judges.parameters(), 5e-4, betas=(0.8, 0.99))

    def step(number: int) -> dict[str, float]:
        done = number / steps
        set_rate(of_model, 4e-4 * (1.0 if done < 0.5 else max(0.05, (1 - done) / 0.5)))
        half = batch // 2 if predicted is not None and done > PREDICTED_FROM else 0
        true = crops(voices, 10**9 + number, batch - half)
        mel = log_mel(true).transpose(1, 2)
        if half:
            pairs = predicted_crops(voices[0], predicted, number, half)
            true, mel = torch.cat([true, pairs[0]]), torch.cat([mel, pairs[1]])
        level = 1 / true.abs().amax(1, keepdim=True).clamp(min=0.02)
        with torch.autocast(true.device.type, torch.bfloat16):
            made = model.wave(mel)
        loss, distance = spectral_loss(made, true)
        regular = periodicity_loss(made, true)
        with torch.autocast(true.device.type, torch.bfloat16):
            verdict = judge(judges, true * level, made.detach() * level)
        of_judges.zero_grad()
        verdict.backward()
        of_judges.step()
        with torch.autocast(true.device.type, torch.bfloat16):
            adversarial, matching = deceive(judges, true * level, made * level)
        of_model.zero_grad()
        (4 * loss + 4 * regular + min(1.0, number / RAMP) * (0.5 * adversarial + 2 * matching)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        of_model.step()
        shown = {"loss": loss, "mel": distance, "periodicity": regular, "discriminator": verdict, "matching": matching}
        return {name: value.item() for name, value in shown.items()}

    parts = {"model": model, "discriminators": judges, "of_model": of_model, "of_discriminators": of_judges}
    fit("vocoder, adversarial", checkpoint, steps, parts, step)
    return model


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--start", type=Path, help="checkpoint to go on from; WORK/vocoder.pt, unless given")
    options = parser.parse_args()
    torch.set_num_threads(1)
    voices = [Speech.load(options.work / f"{voice}.npz") for voice in ("slt", "rms")]
    predicted = options.work / "slt_predicted.npy"
    mels = np.load(predicted) if predicted.exists() else None
    train(
        voices,
        options.start or options.work / "vocoder.pt",
        options.work / "vocoder_adversarial.pt",
        options.steps,
        mels,
    )
