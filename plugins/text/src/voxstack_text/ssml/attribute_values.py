"""Values of SSML attributes: times, rates, volumes and pitches."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from voxstack_text.whole_text import excerpt

STRENGTHS = {"none": 0.0, "x-weak": 0.0, "weak": math.nan, "medium": math.nan, "strong": 0.35, "x-strong": 0.7}
"""Seconds of a break by its strength; NaN: as at a comma.

Strong is the silence that amber leaves between sentences, x-strong twice that.
"""

RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.75}
"""Factors on the speed."""

VOLUMES = {
    "silent": -math.inf,
    "x-soft": -12.0,
    "soft": -6.0,
    "medium": 0.0,
    "default": 0.0,
    "loud": 3.0,
    "x-loud": 6.0,
}
"""Changes in dB."""

PITCHES = {"x-low": -4.0, "low": -2.0, "medium": 0.0, "default": 0.0, "high": 2.0, "x-high": 4.0}
"""Changes in semitones."""

LONGEST_BREAK = 60.0  # seconds; more is probably a typing error, and would be an endless stream
_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)"


def parse_time(written: str) -> float:
    """Return the seconds of a time such as "1.5s" or "300ms".

    :raises ValueError: for anything else, and for more than a minute.
    """
    match = re.fullmatch(rf"\+?({_NUMBER})(m?s)", written.strip())
    value = float(match[1]) * (0.001 if match[2] == "ms" else 1.0) if match else math.inf
    if value > LONGEST_BREAK:
        raise ValueError(
            f'time="{excerpt(written)}" is not a time such as 500ms or 1.5s, of {LONGEST_BREAK:g} s at most'
        )
    return value


def parse_strength(written: str) -> float:
    """Return the seconds of a break of this strength; NaN: as at a comma.

    :raises ValueError: if there is no such strength.
    """
    return _by_name("strength", written, STRENGTHS)


def parse_rate(written: str) -> float:
    """Return the factor on the speed of a rate such as "slow", "120%", "+20%" or "1.2".

    :raises ValueError: for anything else, and for a factor that is not between 0.1 and 10.
    """
    match = re.fullmatch(rf"([+-]?)({_NUMBER})(%?)", written.strip())
    if not match:
        return _by_name("rate", written, RATES, "a number such as 1.2, a percentage")
    value = float(match[2]) / (100 if match[3] else 1)
    value = {"": value, "+": 1 + value, "-": 1 - value}[match[1]] if match[3] else value
    if not 0.1 <= value <= 10 or (match[1] and not match[3]):
        raise ValueError(f'rate="{excerpt(written)}" is not between 0.1 and 10; write 2 or 200% for twice the speed')
    return value


def parse_volume(written: str) -> float:
    """Return the change in dB of a volume such as "+6dB" or "soft".

    :raises ValueError: for anything else, and for more than 60 dB up or down.
    """
    match = re.fullmatch(rf"([+-]?{_NUMBER})dB", written.strip())
    if not match:
        return _by_name("volume", written, VOLUMES, "decibels such as -6dB")
    if abs(float(match[1])) > 60:
        raise ValueError(f'volume="{excerpt(written)}" is not between -60dB and 60dB')
    return float(match[1])


def parse_pitch(written: str) -> float:
    """Return the change in semitones of a pitch such as "+2st", "-10%" or "high".

    :raises ValueError: for anything else.
    """
    match = re.fullmatch(rf"([+-]?{_NUMBER})(st|%)", written.strip())
    if not match or (match[2] == "%" and float(match[1]) <= -100):
        return _by_name("pitch", written, PITCHES, "semitones such as +2st, a change such as -10%")
    return float(match[1]) if match[2] == "st" else 12 * math.log2(1 + float(match[1]) / 100)


def _by_name(attribute: str, written: str, values: Mapping[str, float], more: str = "") -> float:
    value = values.get(written.strip())
    if value is None:
        choices = ", ".join(filter(None, [more, *values]))
        raise ValueError(f'{attribute}="{excerpt(written)}" is not supported; write {choices}')
    return value
