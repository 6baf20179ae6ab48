"""How like the teacher a voice sounds, frame by frame.

The teacher's own phones and durations stand in for text and predicted durations, so that every frame of the voice belongs to one
frame of the teacher, and nothing has to be aligned.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

import voxstack
from voxstack.networks.addon import Addon

sys.path.append(str(Path(__file__).resolve().parents[2] / "voice_prism" / "training"))
from acoustic import Example, example
from features import BANDS, HOP, N_FFT, SAMPLE_RATE, log_mel, mel_filters
from periodicity import periodicity
from speech import Speech

LOWEST, HIGHEST = 70.0, 450.0  # Hz, where pitch is looked for
GRIFFIN_LIM_ITERATIONS = 32
ENCODERS = {"type": "Encoders"}
DECODER = [{"type": "Upsampler"}, {"type": "Decoder"}]
VOCODER = [{"type": "Decoder", "network": "vocoder"}, {"type": "InverseSTFT", "n_fft": N_FFT, "hop_length": HOP}]

Vocode = Callable[[np.ndarray], np.ndarray]


class Chain:
    """A voice in parts: from tokens to predictions, from those and durations to mels, from mels to samples."""

    def __init__(self, voice: str) -> None:
        addon = Addon.open(voice, voxstack.Registry.installed())
        self.name = addon.name
        self._encoders = voxstack.build(ENCODERS, addon, available=["tokens"])
        self._decoder = voxstack.build(DECODER, addon, available=["encoded", "durations", "lf0", "level"])
        self._vocoder = voxstack.build(VOCODER, addon, available=[])

    def predictions(self, tokens: np.ndarray) -> Mapping[str, np.ndarray]:
        """``encoded``, ``durations`` in frames, ``lf0``, ln(f0 / 1 Hz), and ``level`` in dB of (tokens, 6) tokens."""
        return self._encoders({"tokens": tokens})

    def mel(self, predicted: Mapping[str, np.ndarray], durations: np.ndarray) -> np.ndarray:
        """(frames, 80) log-mels."""
        return np.concatenate(
            list(self._decoder.stream(iter(()), {**predicted, "durations": durations.astype(np.float32)}))
        )

    def vocode(self, mel: np.ndarray) -> np.ndarray:
        """(frames, 80) to samples, (frames * 200,)."""
        return np.concatenate(list(self._vocoder.stream(iter([mel]), {})))


def griffin_lim(mel: np.ndarray) -> np.ndarray:
    """(frames, 80) log-mels to samples, (frames * 200,), with no network: the fast algorithm of Perraudin et al. (2013)."""
    import librosa

    magnitudes = librosa.util.nnls(mel_filters().numpy(), np.exp(mel.T.astype(np.float64)))
    wave = librosa.griffinlim(magnitudes, n_iter=GRIFFIN_LIM_ITERATIONS, hop_length=HOP, n_fft=N_FFT, random_state=0)
    return np.pad(wave, (HOP // 2, HOP))[: len(mel) * HOP].astype(
        np.float32
    )  # librosa's frames stand half a hop earlier


def pitch(wave: np.ndarray, frames: int) -> np.ndarray:
    """Pitch of each frame in Hz, (frames,), 0 where unvoiced, by probabilistic YIN (Mauch and Dixon 2014)."""
    import librosa

    padded = np.pad(wave, (0, 2 * HOP))
    f0, voiced, _ = librosa.pyin(padded, fmin=LOWEST, fmax=HIGHEST, sr=SAMPLE_RATE, frame_length=1024, hop_length=HOP)
    return np.where(voiced, f0, 0.0)[:frames]


def measure(chain: Chain, speech: Speech, utterances: int) -> dict[str, Any]:
    """Compare the first utterances of ``speech`` that are voiced for a quarter of a second with what is made for them.

    :return: for each system mel distance (nats), spectral distance as in mel cepstral distortion (dB), periodicity by band,
        pitch error (mean, semitones) and correlation (of log-f0, over all voiced frames); and how far durations are off.
    """
    chosen = [i for i in range(len(speech)) if (speech.f0[speech.span(i)] > 0).sum() >= 20][:utterances]
    systems: dict[str, list[dict[str, Any]]] = {}
    lengths = []
    for index in tqdm(chosen, desc="frame by frame", unit="utterance", file=sys.stderr):
        shown = example(speech, index)
        wave, f0 = speech.wave_of(index), speech.f0[speech.span(index)]
        mel = log_mel(torch.from_numpy(wave)[None])[0].T.numpy()
        predicted = chain.predictions(shown.tokens)
        lengths.append(np.stack([predicted["durations"], shown.durations]))
        for name, made in _spoken(chain, mel, predicted, shown).items():
            systems.setdefault(name, []).append(_compared(made, wave, mel, f0))
        systems.setdefault("teacher", []).append(_compared(wave, wave, mel, f0))
    away = np.concatenate([made - true for made, true in lengths]) * HOP / SAMPLE_RATE * 1000
    made, true = np.concatenate(lengths, 1)
    return {
        "utterances": len(chosen),
        "bands_hz": BANDS,
        "systems": {name: _mean(rows) for name, rows in systems.items()},
        "durations": {
            "error_ms": round(float(np.abs(away).mean()), 1),
            "correlation": round(float(np.corrcoef(made, true)[0, 1]), 3),
        },
    }


def _spoken(
    chain: Chain, mel: np.ndarray, predicted: Mapping[str, np.ndarray], shown: Example
) -> dict[str, np.ndarray]:
    ours = chain.mel(predicted, shown.durations)
    return {
        "teacher's mels, Griffin-Lim": griffin_lim(mel),
        "teacher's mels, prism": chain.vocode(mel),
        f"{chain.name}'s mels, Griffin-Lim": griffin_lim(ours),
        chain.name: chain.vocode(ours),
    }


def _compared(made: np.ndarray, wave: np.ndarray, mel: np.ndarray, f0: np.ndarray) -> dict[str, Any]:
    ours = log_mel(torch.from_numpy(np.ascontiguousarray(made))[None])[0].T.numpy()
    heard = f0 if made is wave else pitch(made, len(f0))
    both = (heard > 0) & (f0 > 0)
    return {
        "mel": float(np.abs(ours - mel).mean()),
        "mcd": _cepstral_distance(ours, mel),
        "periodicity": periodicity(made, np.where(both, heard, 0.0)),
        "f0": np.stack([np.log2(heard[both]) * 12, np.log2(f0[both]) * 12]),
    }


def _cepstral_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Mel cepstral distortion in dB (Kubichek 1993) of log-mels, coefficients 1 to 24."""
    from scipy.fft import dct

    away = (dct(a, norm="ortho") - dct(b, norm="ortho"))[:, 1:25] / np.sqrt(a.shape[1] / 2)
    return float((10 / np.log(10) * np.sqrt(2 * (away**2).sum(1))).mean())


def _mean(rows: list[dict[str, Any]]) -> dict[str, Any]:
    made, true = np.concatenate([row["f0"] for row in rows], 1)
    return {
        "mel_distance": round(float(np.mean([row["mel"] for row in rows])), 3),
        "mcd_db": round(float(np.mean([row["mcd"] for row in rows])), 2),
        "periodicity": np.nanmean([row["periodicity"] for row in rows], 0).round(3).tolist(),
        "pitch_error_semitones": round(float(np.abs(made - true).mean()), 2),
        "pitch_correlation": round(float(np.corrcoef(made, true)[0, 1]), 3),
    }
