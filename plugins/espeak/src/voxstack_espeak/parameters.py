"""The parameters of espeak-ng that follow from a request's controls, in espeak-ng's own units."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from voxstack import RequestError, Utterance

WORDS_PER_MINUTE = 175
SLOPE, CURVATURE = 0.169, 0.00034
"""Semitones by which ``n`` units above 50 raise the voice en-us: 0.169 n + 0.00034 n², fitted to the median over the
voiced frames of a sentence, at 7 pitches, to 0.1 semitones. In the voice de it is a tenth less, and with a flat pitch a
tenth more."""


class _Parameter(NamedTuple):
    """A control, its neutral value, and the parameter of espeak-ng that it sets: name, conversion and limits."""

    control: str
    neutral: float
    name: str
    convert: Callable[[float], float]
    minimum: int
    maximum: int


PARAMETERS = (
    _Parameter("rate", 1.0, "rate", lambda factor: WORDS_PER_MINUTE * factor, 80, 450),
    _Parameter("pitch", 0.0, "pitch", lambda semitones: 50 + _pitch_offset(semitones), 0, 99),
    _Parameter("pitch_range", 1.0, "range", lambda factor: 50 * factor, 0, 99),
    _Parameter("volume", 0.0, "volume", lambda decibels: 100 * 10 ** (decibels / 20), 0, 200),
)


def parameters(utterance: Utterance) -> dict[str, int]:
    """Return espeak-ng's parameters for the controls of a request.

    The controls are ``rate`` (a factor), ``pitch`` (semitones), ``pitch_range`` (a factor) and ``volume`` (dB).
    Parameters are whole numbers, so a rate is exact to 0.6 %.

    :raises RequestError: for a value beyond espeak-ng's limits.
    """
    return {
        parameter.name: _value(parameter, utterance.get(parameter.control, parameter.neutral))
        for parameter in PARAMETERS
    }


def _value(parameter: _Parameter, control: float) -> int:
    try:
        value = float(round(parameter.convert(control)))
    except (OverflowError, ValueError):  # infinity, NaN
        value = math.inf
    if not parameter.minimum <= value <= parameter.maximum:
        raise RequestError(
            f"Espeak: {parameter.control} {control:g} is {value:g} in espeak-ng's units, which go from "
            f"{parameter.minimum} to {parameter.maximum}; choose a value closer to {parameter.neutral:g}"
        )
    return int(value)


def _pitch_offset(semitones: float) -> float:
    return (math.sqrt(max(0.0, SLOPE**2 + 4 * CURVATURE * semitones)) - SLOPE) / (2 * CURVATURE)
