"""A comparison of a voice with its teacher, frame by frame.

The teacher's own phones and durations replace text and predicted durations, so that every frame of the voice
corresponds to one frame of the teacher, and no alignment is needed.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

import voxstack
from voxstack.networks.addon import Addon

sys.path.append(str(Path(__file__).resolve().parents[2] / "voice_prism" / "training"))
from acoustic_examples import Example, make_example
from features import BANDS, HOP, N_FFT, SAMPLE_RATE, log_mel, mel_filters
from periodicity import periodicity
from speech_corpus import SpeechCorpus

LOWEST, HIGHEST = 70.0, 450.0  # Hz, range of the pitch tracker
GRIFFIN_LIM_ITERATIONS = 32
ENCODERS = {"type": "Encoders"}
DECODER = [{"type": "Upsampler"}, {"type": "Decoder"}]
VOCODER = [{"type": "Decoder", "network": "vocoder"}, {"type": "InverseSTFT", "n_fft": N_FFT, "hop_length": HOP}]


class Chain:
    """A voice in three parts: tokens to predictions, predictions and durations to mels, and mels to samples."""

    def __init__(self, voice: str) -> None:
        addon = Addon.open(voice, voxstack.Registry.installed())
        self.name = addon.name
        self._encoders = voxstack.build(ENCODERS, addon, available=["tokens"])
        self._decoder = voxstack.build(DECODER, addon, available=["encoded", "durations", "lf0", "level"])
        self._vocoder = voxstack.build(VOCODER, addon, available=[])

    def predictions(self, tokens: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return the predictions for ``tokens``, (tokens, 6), each with one row or value per token.

        They are ``encoded``; ``durations`` in frames; ``lf0``, ln(f0 / 1 Hz); and ``level`` in dB.
        """
        return self._encoders({"tokens": tokens})

    def mel(self, predictions: Mapping[str, np.ndarray], durations: np.ndarray) -> np.ndarray:
        """Return log-mels, (frames, 80)."""
        utterance = {**predictions, "durations": durations.astype(np.float32)}
        return np.concatenate(list(self._decoder.stream(iter(()), utterance)))

    def vocode(self, mel: np.ndarray) -> np.ndarray:
        """Return the samples, (frames * 200,), of log-mels, (frames, 80)."""
        return np.concatenate(list(self._vocoder.stream(iter([mel]), {})))


def griffin_lim(mel: np.ndarray) -> np.ndarray:
    """Return the samples, (frames * 200,), of log-mels, (frames, 80), without a network.

    This is the fast Griffin-Lim algorithm of Perraudin et al. (2013).
    """
    import librosa

    magnitudes = librosa.util.nnls(mel_filters().numpy(), np.exp(mel.T.astype(np.float64)))
    wave = librosa.griffinlim(magnitudes, n_iter=GRIFFIN_LIM_ITERATIONS, hop_length=HOP, n_fft=N_FFT, random_state=0)
    aligned = np.pad(wave, (HOP // 2, HOP))[: len(mel) * HOP]  # librosa's frames are half a hop earlier
    return aligned.astype(np.float32)


def track_pitch(wave: np.ndarray, frames: int) -> np.ndarray:
    """Return the pitch in Hz, (frames,), 0 where unvoiced, by probabilistic YIN (Mauch and Dixon 2014)."""
    import librosa

    padded = np.pad(wave, (0, 2 * HOP))
    f0, voiced, _ = librosa.pyin(padded, fmin=LOWEST, fmax=HIGHEST, sr=SAMPLE_RATE, frame_length=1024, hop_length=HOP)
    return np.where(voiced, f0, 0.0)[:frames]


def measure(chain: Chain, corpus: SpeechCorpus, utterances: int) -> dict[str, Any]:
    """Compare the voice and other systems with the teacher's utterances.

    :param utterances: number of utterances, of those that are voiced for at least a quarter of a second (20 frames).
    :returns: for each system, mel distance (nats), mel cepstral distortion (dB), periodicity by band, and error (mean,
        semitones) and correlation of the pitch (of log-f0, over all voiced frames); and the errors of durations.
    """
    chosen = [i for i in range(len(corpus)) if (corpus.f0[corpus.span(i)] > 0).sum() >= 20][:utterances]
    systems: dict[str, list[dict[str, Any]]] = {}
    lengths = []
    for index in tqdm(chosen, desc="frame by frame", unit="utterance", file=sys.stderr):
        example = make_example(corpus, index)
        wave, f0 = corpus.wave_of(index), corpus.f0[corpus.span(index)]
        mel = log_mel(torch.from_numpy(wave)[None])[0].T.numpy()
        predictions = chain.predictions(example.tokens)
        lengths.append(np.stack([predictions["durations"], example.durations]))
        for name, synthesized in _waves(chain, mel, predictions, example).items():
            systems.setdefault(name, []).append(_compare(synthesized, wave, mel, f0))
        systems.setdefault("teacher", []).append(_compare(wave, wave, mel, f0))
    predicted, expected = np.concatenate(lengths, 1)
    error = (predicted - expected) * HOP / SAMPLE_RATE * 1000
    return {
        "utterances": len(chosen),
        "bands_hz": BANDS,
        "systems": {name: _mean(rows) for name, rows in systems.items()},
        "durations": {
            "error_ms": round(float(np.abs(error).mean()), 1),
            "correlation": round(float(np.corrcoef(predicted, expected)[0, 1]), 3),
        },
    }


def _waves(
    chain: Chain, mel: np.ndarray, predictions: Mapping[str, np.ndarray], example: Example
) -> dict[str, np.ndarray]:
    """Return the waves of one utterance by system."""
    own = chain.mel(predictions, example.durations)
    return {
        "teacher's mels, Griffin-Lim": griffin_lim(mel),
        "teacher's mels, prism": chain.vocode(mel),
        f"{chain.name}'s mels, Griffin-Lim": griffin_lim(own),
        chain.name: chain.vocode(own),
    }


def _compare(synthesized: np.ndarray, wave: np.ndarray, mel: np.ndarray, f0: np.ndarray) -> dict[str, Any]:
    """Return the measures of one utterance against the teacher's ``wave``, ``mel`` and ``f0``."""
    own = log_mel(torch.from_numpy(np.ascontiguousarray(synthesized))[None])[0].T.numpy()
    tracked = f0 if synthesized is wave else track_pitch(synthesized, len(f0))
    both = (tracked > 0) & (f0 > 0)
    return {
        "mel": float(np.abs(own - mel).mean()),
        "mcd": _cepstral_distance(own, mel),
        "periodicity": periodicity(synthesized, np.where(both, tracked, 0.0)),
        "f0": np.stack([np.log2(tracked[both]) * 12, np.log2(f0[both]) * 12]),
    }


def _cepstral_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the mel cepstral distortion in dB (Kubichek 1993) of two log-mels, (frames, 80), coefficients 1 to 24."""
    from scipy.fft import dct

    away = (dct(a, norm="ortho") - dct(b, norm="ortho"))[:, 1:25] / np.sqrt(a.shape[1] / 2)
    return float((10 / np.log(10) * np.sqrt(2 * (away**2).sum(1))).mean())


def _mean(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the means of a system's measures over utterances."""
    tracked, expected = np.concatenate([row["f0"] for row in rows], 1)
    return {
        "mel_distance": round(float(np.mean([row["mel"] for row in rows])), 3),
        "mcd_db": round(float(np.mean([row["mcd"] for row in rows])), 2),
        "periodicity": np.nanmean([row["periodicity"] for row in rows], 0).round(3).tolist(),
        "pitch_error_semitones": round(float(np.abs(tracked - expected).mean()), 2),
        "pitch_correlation": round(float(np.corrcoef(tracked, expected)[0, 1]), 3),
    }
