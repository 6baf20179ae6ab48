"""The measures of one spoken sentence: plain numbers, computed in any process."""

from __future__ import annotations

from typing import Any

import numpy as np

from voxstack import Event, Speech
from voxstack_grade import pitch
from voxstack_grade.recognition import RATE, Recogniser

FULL_SCALE = 0.999
"""Magnitude from which a sample counts as clipped."""

ALARM = "alarm"
"""Kind of the events that are alarms."""

BANDS = 20
"""Bands of the spectrum, from 0 to 8 kHz, equally wide on the scale of mel."""


def measure(speech: Speech, spoken: str, recogniser: Recogniser | None, alarms: bool = True) -> dict[str, Any]:
    """Return the measures of a sentence that was spoken.

    :param spoken: its words.
    :param recogniser: None: words are not recognised.
    :param alarms: whether the voice can raise alarms.
    """
    at_rate = speech.resample(RATE)
    found: dict[str, Any] = {
        "seconds": round(speech.duration, 4),
        "clipped": int(np.count_nonzero(np.abs(speech.samples) >= FULL_SCALE)),
        "samples": len(speech),
        "lufs": round(max(speech.loudness(), -100.0), 3),
        **_pitch(at_rate.samples),
        "bands": [round(float(level), 2) for level in band_levels(at_rate.samples)],
        "phonemes": " ".join(f"{event.text}:{1000 * event.duration:.0f}" for event in _phonemes(speech)),
        "alarms": [event.text for event in speech.events if event.kind == ALARM] if alarms else None,
    }
    if recogniser is not None:
        heard = recogniser.hear(at_rate.samples, spoken)
        found |= {"heard": heard.text, "errors": heard.errors, "words": heard.words}
    return found


def _phonemes(speech: Speech) -> list[Event]:
    return [event for event in speech.events if event.kind == "phoneme" and event.text and " " not in event.text]


def _pitch(samples: np.ndarray) -> dict[str, Any]:
    """Return sums over the frames of a sentence, and the standard deviation of its pitch in semitones."""
    tracked = pitch.track(samples, RATE)
    voiced = tracked.f0 > 0
    semitones = 12 * np.log2(tracked.f0[voiced] / 100.0)
    inner = np.flatnonzero(~tracked.silent)
    speaking = tracked.silent[inner[0] : inner[-1] + 1] if len(inner) else tracked.silent
    return {
        "frames": len(tracked.f0),
        "spoken_frames": len(inner),
        "voiced": int(voiced.sum()),
        "semitones": round(float(semitones.sum()), 2),
        "pitch_spread": round(float(semitones.std()), 4) if len(semitones) > 1 else 0.0,
        "harmonicity": round(float(tracked.harmonicity[voiced].sum()), 2),
        "longest_pause": round(_longest_run(speaking) * pitch.HOP, 3),
        "edges": round((len(tracked.silent) - len(speaking)) * pitch.HOP, 3),
    }


def _longest_run(flags: np.ndarray) -> int:
    """Return the length of the longest run of True."""
    bounds = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((bounds[1::2] - bounds[::2]).max(initial=0))


def band_levels(samples: np.ndarray) -> np.ndarray:
    """Return the mean level of each band in dB, relative to the mean of all: (:data:`BANDS`,)."""
    size = 1024
    padded = np.pad(samples.astype(np.float64), (0, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2] * np.hanning(size)
    power = (np.abs(np.fft.rfft(frames)) ** 2).mean(0)
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    edges = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), BANDS + 1)
    index = np.clip(np.searchsorted(edges, 2595 * np.log10(1 + hertz / 700), "right") - 1, 0, BANDS - 1)
    sums = np.bincount(index, power, BANDS) / np.maximum(np.bincount(index, minlength=BANDS), 1)
    levels = 10 * np.log10(sums + 1e-12)
    return np.asarray(levels - levels.mean())
