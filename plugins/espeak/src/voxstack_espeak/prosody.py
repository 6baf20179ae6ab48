"""What a request may say of how espeak-ng speaks, as espeak-ng's own numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from voxstack import RequestError, Utterance

WORDS_A_MINUTE = 175
SLOPE, CURVATURE = 0.169, 0.00034
"""Semitones by which ``n`` more than 50 raise the voice en-us: 0.169 n + 0.00034 n², fitted to the median over voiced frames of a
sentence, at 7 pitches, to 0.1 semitones; in the voice de they are a tenth less, and with a flat pitch a tenth more."""


class _Parameter(NamedTuple):
    """A control, the value that changes nothing, what espeak-ng calls it, how it is counted there, and the bounds it has there."""

    control: str
    neutral: float
    name: str
    counted: Callable[[float], float]
    least: int
    most: int


PARAMETERS = (
    _Parameter("rate", 1.0, "rate", lambda factor: WORDS_A_MINUTE * factor, 80, 450),
    _Parameter("pitch", 0.0, "pitch", lambda semitones: 50 + _offset(semitones), 0, 99),
    _Parameter("pitch_range", 1.0, "range", lambda factor: 50 * factor, 0, 99),
    _Parameter("volume", 0.0, "volume", lambda decibels: 100 * 10 ** (decibels / 20), 0, 200),
)


def parameters(utterance: Utterance) -> dict[str, int]:
    """espeak-ng's numbers for the controls ``rate`` (a factor), ``pitch`` (semitones), ``pitch_range`` (a factor) and ``volume`` (dB).

    They are whole numbers, so that a rate is met to 0.6 %.

    :raises RequestError: for what espeak-ng cannot do.
    """
    return {
        parameter.name: _number(parameter, utterance.get(parameter.control, parameter.neutral))
        for parameter in PARAMETERS
    }


def _number(parameter: _Parameter, value: float) -> int:
    number = round(parameter.counted(value))
    if not parameter.least <= number <= parameter.most:
        raise RequestError(
            f"Espeak: {parameter.control} {value:g} is {number} in espeak-ng's numbers, and it takes {parameter.least} to {parameter.most}"
        )
    return number


def _offset(semitones: float) -> float:
    return (math.sqrt(max(0.0, SLOPE**2 + 4 * CURVATURE * semitones)) - SLOPE) / (2 * CURVATURE)
