"""The vocoder's second training stage: adversarial, with a loss of periodicity, and at the end on predicted mels.

The spectral losses continue at four times the weight. Discriminators and spectral losses are hardly sensitive to upper
bands of a low voice that are less periodic than the teacher's: :func:`periodicity_loss` corrects that. In the last part
of the training, half of the mels are those that the acoustic model predicted.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from discriminators import discriminator_loss, discriminators, generator_losses
from features import BANDS, HOP, SAMPLE_RATE, log_mel
from speech_corpus import SpeechCorpus
from torch import nn
from training_loop import load_weights, run_training, set_learning_rate
from vocoder import CROP, Vocoder, crops, spectral_loss

RAMP = 100  # steps over which the adversarial terms are faded in
PREDICTED_FROM = 0.6  # share of the steps after which half of the mels are predicted ones
LAGS = (35, 290)  # samples: pitches from 55 to 457 Hz
VOICED = 0.6  # periodicity of the lowest band from which a frame counts as voiced


def periodicity_loss(predicted: torch.Tensor, target: torch.Tensor, size: int = 800, hop: int = 200) -> torch.Tensor:
    """Return the distance in periodicity of two waves, (batch, samples) each, over all bands of voiced frames.

    Periodicity is the autocorrelation of a band of a 50 ms frame at the pitch lag, the maximum within 4 %. The lag is
    at the peak of the lowest band of ``target``. Both the mean distance and the distance of the means count: the mean
    distance alone would accept a voice that is too breathy as often as it is too buzzy.
    """
    a, b = (_autocorrelation(wave, size, hop) for wave in (predicted, target))
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
    """Return the autocorrelation, (bands, batch, frames, lags), 1 at lag 0, of waves, (batch, samples).

    It is the inverse transform of the power spectrum.
    """
    frames = wave.float().unfold(1, size, hop) * torch.hann_window(size)
    power = torch.fft.rfft(frames, 2048).abs().square()
    hertz = torch.linspace(0, SAMPLE_RATE / 2, power.shape[-1])
    bands = torch.stack([((hertz >= low) & (hertz < high)).float() for low, high in BANDS])
    whole = torch.fft.irfft(power * bands[:, None, None])
    return whole[..., LAGS[0] : LAGS[1]] / (whole[..., :1] + 1e-7)


def predicted_crops(corpus: SpeechCorpus, mels: np.ndarray, step: int, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw (batch, CROP * 200) samples and (batch, CROP, 80) mels predicted for them, by the number of the step alone.

    :param mels: (frames, 80), of the frames of ``corpus``.
    """
    rng = random.Random(step)
    waves, rows = [], []
    while len(waves) < batch:
        span = corpus.span(rng.randrange(len(corpus)))
        if span.stop - span.start > CROP:
            start = rng.randrange(span.start, span.stop - CROP)
            waves.append(corpus.wave[start * HOP : (start + CROP) * HOP].astype(np.float32) / 32768)
            rows.append(mels[start : start + CROP].astype(np.float32))
    return torch.from_numpy(np.stack(waves)), torch.from_numpy(np.stack(rows))


def train(
    voices: list[SpeechCorpus],
    start: Path,
    checkpoint: Path,
    steps: int,
    predicted_mels: np.ndarray | None = None,
    batch: int = 8,
) -> Vocoder:
    """Train the vocoder of the checkpoint ``start`` against new discriminators, or resume from ``checkpoint``.

    :param predicted_mels: mels that the acoustic model predicts for the first voice's utterances, (frames, 80).
    """
    torch.manual_seed(0)
    model, networks = Vocoder(), discriminators()
    model.load_state_dict(load_weights(start, "model"))
    model_optimizer = torch.optim.AdamW(model.parameters(), betas=(0.8, 0.99))
    discriminator_optimizer = torch.optim.AdamW(networks.parameters(), 5e-4, betas=(0.8, 0.99))

    def step(number: int) -> dict[str, float]:
        done = number / steps
        set_learning_rate(model_optimizer, 4e-4 * (1.0 if done < 0.5 else max(0.05, (1 - done) / 0.5)))
        half = batch // 2 if predicted_mels is not None and done > PREDICTED_FROM else 0
        target = crops(voices, 10**9 + number, batch - half)
        mel = log_mel(target).transpose(1, 2)
        if half:
            pairs = predicted_crops(voices[0], predicted_mels, number, half)
            target, mel = torch.cat([target, pairs[0]]), torch.cat([mel, pairs[1]])
        gain = 1 / target.abs().amax(1, keepdim=True).clamp(min=0.02)
        with torch.autocast(target.device.type, torch.bfloat16):
            generated = model.wave(mel)
        spectral, distance = spectral_loss(generated, target)
        periodicity = periodicity_loss(generated, target)
        with torch.autocast(target.device.type, torch.bfloat16):
            discrimination = discriminator_loss(networks, target * gain, generated.detach() * gain)
        discriminator_optimizer.zero_grad()
        discrimination.backward()
        discriminator_optimizer.step()
        with torch.autocast(target.device.type, torch.bfloat16):
            adversarial, matching = generator_losses(networks, target * gain, generated * gain)
        model_optimizer.zero_grad()
        (4 * spectral + 4 * periodicity + min(1.0, number / RAMP) * (0.5 * adversarial + 2 * matching)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        model_optimizer.step()
        losses = {"loss": spectral, "mel": distance, "periodicity": periodicity, "discriminator": discrimination}
        return {name: value.item() for name, value in {**losses, "matching": matching}.items()}

    parts = {"model": model, "discriminators": networks}
    parts |= {"of_model": model_optimizer, "of_discriminators": discriminator_optimizer}
    run_training("vocoder, adversarial", checkpoint, steps, parts, step)
    return model


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of the speech and of the checkpoints")
    parser.add_argument("--steps", type=int, default=6000, help="number of updates")
    parser.add_argument("--start", type=Path, help="checkpoint to start from; default: WORK/vocoder.pt")
    options = parser.parse_args()
    torch.set_num_threads(1)
    voices = [SpeechCorpus.load(options.work / f"{voice}.npz") for voice in ("slt", "rms")]
    predicted = options.work / "slt_predicted.npy"
    mels = np.load(predicted) if predicted.exists() else None
    train(
        voices,
        options.start or options.work / "vocoder.pt",
        options.work / "vocoder_adversarial.pt",
        options.steps,
        mels,
    )
