"""A measurement of the vocoder against the teachers: periodicity of voiced speech by band, and mel distance.

    python plugins/voice_prism/training/periodicity.py --work WORK

A word error rate is insensitive to buzz (too much periodicity above 3 kHz) and breath (too little). Periodicity is the
normalised autocorrelation at the pitch lag, 0 to 1, over 50 ms of each voiced frame, the maximum within 4 % of the
teacher's own pitch. The vocoder synthesizes the teacher's mels, so frames and pitch are the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from features import BANDS, HOP, SAMPLE_RATE, log_mel
from scipy.signal import butter, sosfiltfilt
from speech_corpus import SpeechCorpus

import voxstack
from voxstack.networks.addon import Addon

HALF = 400  # samples on each side of the start of a frame
STACK = [{"type": "Decoder", "network": "vocoder"}, {"type": "InverseSTFT"}]


def periodicity(wave: np.ndarray, f0: np.ndarray) -> np.ndarray:
    """Return the mean periodicity of each band, (4,).

    :param wave: (samples,).
    :param f0: its pitch in Hz, (frames,); 0 where it is unvoiced.
    """
    padded = np.pad(wave, (0, 10 * HOP))
    voiced = [t for t in range(4, len(f0) - 6) if f0[t - 1 : t + 2].min() > 0]
    means = []
    for band in BANDS:
        filtered = sosfiltfilt(butter(4, band, "band", fs=SAMPLE_RATE, output="sos"), padded)
        means.append(np.mean([_periodicity_at(filtered, t * HOP, SAMPLE_RATE / f0[t]) for t in voiced]))
    return np.array(means)


def _periodicity_at(signal: np.ndarray, centre: int, lag: float) -> float:
    window = signal[centre - HALF : centre + HALF]
    lags = range(int(lag * 0.96), int(lag * 1.04) + 2)
    shifted = [signal[centre - HALF + k : centre + HALF + k] for k in lags]
    return max(float(window @ other / (np.sqrt((window @ window) * (other @ other)) + 1e-9)) for other in shifted)


def measure(
    corpus: SpeechCorpus, vocoder: voxstack.StreamableBlock, utterances: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return (periodicity of the teacher, of the vocoder, mel distance in nats).

    :param utterances: number of utterances, of those with at least 20 voiced frames.
    """
    rows = []
    for index in range(len(corpus)):
        wave, f0 = corpus.wave_of(index), corpus.f0[corpus.span(index)]
        if (f0 > 0).sum() < 20 or len(rows) == utterances:
            continue
        mel = log_mel(torch.from_numpy(wave)[None])[0].T.numpy()
        predicted = np.concatenate(list(vocoder.stream(iter([mel]), {})))
        distance = np.abs(log_mel(torch.from_numpy(predicted)[None])[0].T.numpy() - mel).mean()
        rows.append((periodicity(wave, f0), periodicity(predicted, f0), distance))
    teacher, own, distance = (np.mean([row[i] for row in rows], 0) for i in range(3))
    return teacher, own, float(distance)


def main() -> None:
    """Measure the vocoder for both teachers, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder of the speech")
    parser.add_argument("--addon", default="prism", help="name, folder or .zip of the vocoder's addon")
    parser.add_argument("--utterances", type=int, default=12, help="number of utterances of each teacher")
    options = parser.parse_args()
    vocoder = voxstack.build(STACK, Addon.open(options.addon, voxstack.Registry.installed()), available=[])
    for name in ("slt", "rms"):
        corpus = SpeechCorpus.load(options.work / f"{name}_validation.npz")
        teacher, own, distance = measure(corpus, vocoder, options.utterances)
        print(f"{name} teacher  " + "  ".join(f"{value:.3f}" for value in teacher))
        print(f"{name} vocoder  " + "  ".join(f"{value:.3f}" for value in own) + f"   mel distance {distance:.3f}")


if __name__ == "__main__":
    main()
