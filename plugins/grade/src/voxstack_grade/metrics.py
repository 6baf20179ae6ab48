"""The rows of a grade: how each is computed from the measures of sentences, and its default limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from voxstack_grade.aligning import changed_phonemes, duration_error

Measures = Mapping[str, Any]
"""The measures of one sentence."""

Values = Callable[[Measures, Measures], tuple[float, float]]
"""A function of the measures of a sentence and those of its baseline: a numerator and a denominator."""

Statistic = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""A function of numerators and denominators, (..., sentences): (...,)."""


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return the ratio of sums over sentences."""
    return np.asarray(above.sum(-1) / np.maximum(below.sum(-1), 1e-12))


def spread(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return the standard deviation over sentences."""
    return np.asarray((above / below).std(-1))


def total(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return the sum over sentences."""
    return np.asarray(above.sum(-1))


@dataclass(frozen=True)
class Metric:
    """A row of a grade.

    :param name: by which limits are set.
    :param title: of the row.
    :param values: of a sentence, from its measures and those of its baseline.
    :param difference: the largest difference from the baseline that passes; None: any.
    :param most: the largest value that passes without a baseline; None: any.
    :param form: format of its values.
    :param lower_is_worse: whether a lower value is a regression, too.
    :param statistic: over sentences.
    :param counts: whether any single case counts, however few sentences there are.
    :param paired: whether it exists only against a baseline.
    :param needs: a measure that sentences may lack.
    :param absent: the reason where all of them do.
    """

    name: str
    title: str
    values: Values
    difference: float | None
    most: float | None = None
    form: str = ".3f"
    lower_is_worse: bool = True
    statistic: Statistic = ratio
    counts: bool = False
    paired: bool = False
    needs: str = "seconds"
    absent: str = ""


def _spectral_difference(own: Measures, base: Measures) -> tuple[float, float]:
    return float(np.abs(np.subtract(own["bands"], base["bands"])).mean()), 1.0


def _real_time(own: Measures, base: Measures) -> tuple[float, float]:
    return own["synthesis_seconds"], own["seconds"]


METRICS = (
    Metric(
        "wer", "word error rate", lambda own, base: (own["errors"], own["words"]),
        0.03, 0.35, ".1%", lower_is_worse=False, needs="errors", absent="the recogniser knows English alone",
    ),
    Metric("alarms", "alarms of attention", lambda own, base: (len(own["alarms"]), 1.0),
           0.0, 0.0, ".0f", lower_is_worse=False, statistic=total, counts=True,
           needs="alarms", absent="no block of the stack raises any"),
    Metric("phonemes", "phonemes that differ", lambda own, base: changed_phonemes(own["phonemes"], base["phonemes"]),
           0.02, form=".1%", lower_is_worse=False, paired=True,
           needs="phonemes", absent="the voice reports none"),
    Metric("duration", "duration, ratio", lambda own, base: (own["seconds"], base["seconds"]), 0.05, paired=True),
    Metric("phoneme_durations", "durations of phonemes, error",
           lambda own, base: duration_error(own["phonemes"], base["phonemes"]),
           0.15, form=".1%", lower_is_worse=False, paired=True,
           needs="phonemes", absent="the voice reports none"),
    Metric("loudness", "loudness, LUFS", lambda own, base: (own["lufs"], 1.0), 1.0, form=".1f"),
    Metric("loudness_spread", "spread of loudness, LU", lambda own, base: (own["lufs"], 1.0),
           0.7, form=".2f", lower_is_worse=False, statistic=spread),
    Metric("clipping", "clipped samples", lambda own, base: (own["clipped"], own["samples"]),
           1e-4, 1e-4, ".3%", lower_is_worse=False),
    Metric("voiced", "voiced share", lambda own, base: (own["voiced"], own["spoken_frames"]), 0.05, form=".1%"),
    Metric("pitch", "pitch, semitones of 100 Hz", lambda own, base: (own["semitones"], own["voiced"]), 0.7, form=".2f"),
    Metric("pitch_spread", "spread of pitch, semitones", lambda own, base: (own["pitch_spread"], 1.0), 0.2, form=".2f"),
    Metric("harmonicity", "harmonics to noise, dB", lambda own, base: (own["harmonicity"], own["voiced"]),
           1.0, form=".1f"),
    Metric("spectrum", "spectrum, difference in dB", _spectral_difference,
           1.5, form=".2f", lower_is_worse=False, paired=True),
    Metric("pauses", "longest pause, s", lambda own, base: (own["longest_pause"], 1.0), 0.08),
    Metric("edges", "silence at the ends, s", lambda own, base: (own["edges"], 1.0), 0.1),
    Metric("silence", "silent share", lambda own, base: (own["frames"] - own["spoken_frames"], own["frames"]),
           0.05, form=".1%"),
    Metric("rtf", "real-time factor", _real_time, None, lower_is_worse=False, needs="synthesis_seconds"),
)  # fmt: skip
"""The rows that are computed from measures of sentences, in order."""
