"""Values of SSML attributes: times, rates, volumes, pitches."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

STRENGTHS = {"none": 0.0, "x-weak": 0.0, "weak": math.nan, "medium": math.nan, "strong": 0.35, "x-strong": 0.7}
"""Seconds of a break by its strength; NaN: as at a comma. Strong is what amber leaves between sentences, x-strong twice that."""

RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.75}
VOLUMES = {
    "silent": -math.inf,
    "x-soft": -12.0,
    "soft": -6.0,
    "medium": 0.0,
    "default": 0.0,
    "loud": 3.0,
    "x-loud": 6.0,
}
"""dB."""

PITCHES = {"x-low": -4.0, "low": -2.0, "medium": 0.0, "default": 0.0, "high": 2.0, "x-high": 4.0}
"""Semitones."""

LONGEST_BREAK = 60.0  # seconds; more is a slip of the pen, and would be an endless stream
_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)"


def seconds(written: str) -> float:
    """Read a time: "1.5s" or "300ms".

    :raises ValueError: for anything else, and for more than a minute.
    """
    match = re.fullmatch(rf"\+?({_NUMBER})(m?s)", written.strip())
    value = float(match[1]) * (0.001 if match[2] == "ms" else 1.0) if match else math.inf
    if value > LONGEST_BREAK:
        raise ValueError(f'time="{written}" is no time such as 500ms or 1.5s, of {LONGEST_BREAK:g} s at most')
    return value


def strength(written: str) -> float:
    """Seconds of a break of this strength."""
    return _word("strength", written, STRENGTHS)


def rate(written: str) -> float:
    """Read how many times as fast: "slow", "120%", "+20%" and "1.2" are.

    :raises ValueError: for anything else, and what is not between 0.1 and 10.
    """
    match = re.fullmatch(rf"([+-]?)({_NUMBER})(%?)", written.strip())
    if not match:
        return _word("rate", written, RATES, "a number such as 1.2, a percentage")
    value = float(match[2]) / (100 if match[3] else 1)
    value = {"": value, "+": 1 + value, "-": 1 - value}[match[1]] if match[3] else value
    if not 0.1 <= value <= 10 or (match[1] and not match[3]):
        raise ValueError(f'rate="{written}" is not between 0.1 and 10: 2 or 200% is twice as fast')
    return value


def volume(written: str) -> float:
    """Read how much louder in dB: "+6dB", "soft".

    :raises ValueError: for anything else, and for more than 60 dB up or down.
    """
    match = re.fullmatch(rf"([+-]?{_NUMBER})dB", written.strip())
    if not match:
        return _word("volume", written, VOLUMES, "decibels such as -6dB")
    if abs(float(match[1])) > 60:
        raise ValueError(f'volume="{written}" is not between -60dB and 60dB')
    return float(match[1])


def pitch(written: str) -> float:
    """Read how much higher in semitones: "+2st", "-10%", "high".

    :raises ValueError: for anything else.
    """
    match = re.fullmatch(rf"([+-]?{_NUMBER})(st|%)", written.strip())
    if not match or (match[2] == "%" and float(match[1]) <= -100):
        return _word("pitch", written, PITCHES, "semitones such as +2st, a change such as -10%")
    return float(match[1]) if match[2] == "st" else 12 * math.log2(1 + float(match[1]) / 100)


def _word(name: str, written: str, values: Mapping[str, float], more: str = "") -> float:
    value = values.get(written.strip())
    if value is None:
        raise ValueError(f'{name}="{written}" is not known; there is {", ".join(filter(None, [more, *values]))}')
    return value
