"""Measure the vocoder against the teachers: how periodic each band of voiced speech is, and the mel distance.

    python plugins/voice_prism/training/periodicity.py --work WORK

A word error rate cannot hear buzz (too periodic above 3 kHz) or breath (not enough). Periodicity is the normalised
autocorrelation at the pitch lag, 0 to 1, over 50 ms of each voiced frame, best within 4 % of the teacher's own pitch. The
vocoder speaks the teacher's mels, so frames and pitch are the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from features import BANDS, HOP, SAMPLE_RATE, log_mel
from scipy.signal import butter, sosfiltfilt
from speech import Speech

import voxstack
from voxstack.networks.addon import Addon

HALF = 400  # samples on each side of a frame's start
STACK = [{"type": "Decoder", "network": "vocoder"}, {"type": "InverseSTFT"}]


def periodicity(wave: np.ndarray, f0: np.ndarray) -> np.ndarray:
    """Return the mean periodicity of each band, (4,), of ``wave``, (samples,), whose pitch in Hz is ``f0``, (frames,)."""
    padded = np.pad(wave, (0, 10 * HOP))
    voiced = [t for t in range(4, len(f0) - 6) if f0[t - 1 : t + 2].min() > 0]
    found = []
    for band in BANDS:
        filtered = sosfiltfilt(butter(4, band, "band", fs=SAMPLE_RATE, output="sos"), padded)
        found.append(np.mean([_best(filtered, t * HOP, SAMPLE_RATE / f0[t]) for t in voiced]))
    return np.array(found)


def _best(signal: np.ndarray, centre: int, lag: float) -> float:
    here = signal[centre - HALF : centre + HALF]
    lags = range(int(lag * 0.96), int(lag * 1.04) + 2)
    shifted = [signal[centre - HALF + k : centre + HALF + k] for k in lags]
    return max(float(here @ there / (np.sqrt((here @ here) * (there @ there)) + 1e-9)) for there in shifted)


def measure(speech: Speech, vocoder: voxstack.StreamableBlock, utterances: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return (teacher's periodicity, the vocoder's, mel distance in nats) over the first utterances with voiced frames."""
    rows = []
    for index in range(len(speech)):
        wave, f0 = speech.wave_of(index), speech.f0[speech.span(index)]
        if (f0 > 0).sum() < 20 or len(rows) == utterances:
            continue
        mel = log_mel(torch.from_numpy(wave)[None])[0].T.numpy()
        made = np.concatenate(list(vocoder.stream(iter([mel]), {})))
        distance = np.abs(log_mel(torch.from_numpy(made)[None])[0].T.numpy() - mel).mean()
        rows.append((periodicity(wave, f0), periodicity(made, f0), distance))
    teacher, ours, distance = (np.mean([row[i] for row in rows], 0) for i in range(3))
    return teacher, ours, float(distance)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="where the speech is")
    parser.add_argument("--addon", default="prism", help="name, folder or .zip of the vocoder's addon")
    parser.add_argument("--utterances", type=int, default=12)
    options = parser.parse_args()
    vocoder = voxstack.build(STACK, Addon.open(options.addon, voxstack.Registry.installed()), given=[])
    for name in ("slt", "rms"):
        speech = Speech.load(options.work / f"{name}_validation.npz")
        teacher, ours, distance = measure(speech, vocoder, options.utterances)
        print(f"{name} teacher  " + "  ".join(f"{value:.3f}" for value in teacher))
        print(f"{name} vocoder  " + "  ".join(f"{value:.3f}" for value in ours) + f"   mel distance {distance:.3f}")


if __name__ == "__main__":
    main()
