"""The blocks of an equalizer: ``PeakFilter``, ``LowShelf``, ``HighShelf`` and ``Notch``.

Their formulas are those of R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients" (W3C Working
Group Note "Audio EQ Cookbook", 2021): a bilinear transform whose frequency is prewarped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from voxstack_effects.iir_filter import IIRFilter, check_below_nyquist

_FREQUENCY: dict[str, Any] = {"exclusiveMinimum": 0, "maximum": 192_000}
_GAIN: dict[str, Any] = {"minimum": -60, "maximum": 60}
_Q: dict[str, Any] = {"minimum": 0.05, "maximum": 200}


@dataclass
class PeakFilter(IIRFilter):
    """Raises or lowers a band around a frequency, of samples, (samples,) float32.

    :param frequency: middle of the band, Hz.
    :param gain_db: gain there, dB.
    :param q: frequency divided by the width of the band, between the points of half the gain in dB.
    :param sample_rate: sample rate, Hz; by default the addon's.
    """

    frequency: float = field(metadata=_FREQUENCY)
    gain_db: float = field(metadata=_GAIN)
    q: float = field(default=1.0, metadata=_Q)

    def sections(self, rate: int) -> np.ndarray:
        cosine, alpha = _angle(self.frequency, self.q, rate)
        a = 10 ** (self.gain_db / 40)
        return _section([1 + alpha * a, -2 * cosine, 1 - alpha * a], [1 + alpha / a, -2 * cosine, 1 - alpha / a])


@dataclass
class Notch(IIRFilter):
    """Removes a narrow band, such as a hum, from samples, (samples,) float32.

    :param frequency: Hz, where the gain is 0.
    :param q: frequency divided by the width of the band, between the points of -3 dB.
    :param sample_rate: sample rate, Hz; by default the addon's.
    """

    frequency: float = field(metadata=_FREQUENCY)
    q: float = field(default=30.0, metadata=_Q)

    def sections(self, rate: int) -> np.ndarray:
        cosine, alpha = _angle(self.frequency, self.q, rate)
        return _section([1, -2 * cosine, 1], [1 + alpha, -2 * cosine, 1 - alpha])


@dataclass
class LowShelf(IIRFilter):
    """Raises or lowers all that is below a frequency, of samples, (samples,) float32.

    :param frequency: Hz, where the gain is half of ``gain_db``.
    :param gain_db: gain far below it, dB.
    :param q: steepness; above 0.71 the gain overshoots near the frequency.
    :param sample_rate: sample rate, Hz; by default the addon's.
    """

    frequency: float = field(metadata=_FREQUENCY)
    gain_db: float = field(metadata=_GAIN)
    q: float = field(default=math.sqrt(0.5), metadata=_Q)

    def sections(self, rate: int) -> np.ndarray:
        return _shelf(*_angle(self.frequency, self.q, rate), self.gain_db, 1)


@dataclass
class HighShelf(IIRFilter):
    """Raises or lowers all that is above a frequency, of samples, (samples,) float32.

    :param frequency: Hz, where the gain is half of ``gain_db``.
    :param gain_db: gain far above it, dB.
    :param q: steepness; above 0.71 the gain overshoots near the frequency.
    :param sample_rate: sample rate, Hz; by default the addon's.
    """

    frequency: float = field(metadata=_FREQUENCY)
    gain_db: float = field(metadata=_GAIN)
    q: float = field(default=math.sqrt(0.5), metadata=_Q)

    def sections(self, rate: int) -> np.ndarray:
        return _shelf(*_angle(self.frequency, self.q, rate), self.gain_db, -1)


def _angle(frequency: float, q: float, rate: int) -> tuple[float, float]:
    """Return the cosine of the angle of a frequency, and its ``alpha``."""
    check_below_nyquist(frequency, rate, "frequency")
    angle = 2 * math.pi * frequency / rate
    return math.cos(angle), math.sin(angle) / (2 * q)


def _shelf(cosine: float, alpha: float, gain_db: float, side: int) -> np.ndarray:
    """Return the section of a shelf.

    :param side: 1 for one below the frequency, -1 for one above it.
    """
    a = 10 ** (gain_db / 40)
    cosine *= side  # a shelf above is one below, mirrored in frequency
    level, slope = a + 1, 2 * math.sqrt(a) * alpha
    return _section(
        [
            a * (level - (a - 1) * cosine + slope),
            2 * a * side * ((a - 1) - level * cosine),
            a * (level - (a - 1) * cosine - slope),
        ],
        [
            level + (a - 1) * cosine + slope,
            -2 * side * ((a - 1) + level * cosine),
            level + (a - 1) * cosine - slope,
        ],
    )


def _section(numerator: list[float], denominator: list[float]) -> np.ndarray:
    """Return one second-order section, (1, 6) float64."""
    return np.array([[*numerator, *denominator]]) / denominator[0]
