"""The blocks ``LowPass``, ``HighPass`` and ``BandPass``: Butterworth filters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from voxstack import StackError
from voxstack_effects.iir_filter import IIRFilter, check_below_nyquist

_FREQUENCY: dict[str, Any] = {"exclusiveMinimum": 0, "maximum": 192_000}
_ORDER: dict[str, Any] = {"minimum": 1, "maximum": 12}


@dataclass
class LowPass(IIRFilter):
    """Attenuates what is above a frequency, of samples, (samples,) float32, by a Butterworth filter.

    :param frequency: Hz, where the gain is -3 dB.
    :param order: the gain falls by 6 dB an octave for each.
    :param sample_rate: sample rate, Hz; by default the addon's.
    """

    frequency: float = field(metadata=_FREQUENCY)
    order: int = field(default=2, metadata=_ORDER)

    def sections(self, rate: int) -> np.ndarray:
        check_below_nyquist(self.frequency, rate, "frequency")
        return butterworth(self.order, self.frequency, "lowpass", rate)


@dataclass
class HighPass(IIRFilter):
    """Attenuates what is below a frequency, of samples, (samples,) float32, by a Butterworth filter.

    :param frequency: Hz, where the gain is -3 dB.
    :param order: the gain falls by 6 dB an octave for each.
    :param sample_rate: sample rate, Hz; by default the addon's.
    """

    frequency: float = field(metadata=_FREQUENCY)
    order: int = field(default=2, metadata=_ORDER)

    def sections(self, rate: int) -> np.ndarray:
        check_below_nyquist(self.frequency, rate, "frequency")
        return butterworth(self.order, self.frequency, "highpass", rate)


@dataclass
class BandPass(IIRFilter):
    """Attenuates what is outside a band, of samples, (samples,) float32, by a Butterworth filter.

    :param low: lower end of the band, Hz, where the gain is -3 dB.
    :param high: upper end of the band, Hz, where the gain is -3 dB.
    :param order: the gain falls by 6 dB an octave for each, on either side.
    :param sample_rate: sample rate, Hz; by default the addon's.
    """

    low: float = field(metadata=_FREQUENCY)
    high: float = field(metadata=_FREQUENCY)
    order: int = field(default=2, metadata=_ORDER)

    def sections(self, rate: int) -> np.ndarray:
        check_below_nyquist(self.low, rate, "low")
        check_below_nyquist(self.high, rate, "high")
        if self.low >= self.high:
            raise StackError("high", f"{self.high:g} Hz is not above low, {self.low:g} Hz; exchange or correct them")
        return butterworth(self.order, [self.low, self.high], "bandpass", rate)


def butterworth(order: int, frequency: float | list[float], kind: str, rate: int) -> np.ndarray:
    """Return the second-order sections, (sections, 6) float64, of a Butterworth filter.

    :param frequency: Hz; of a band, both ends.
    :param kind: as ``btype`` of ``scipy.signal.butter``.
    """
    from scipy.signal import butter

    sections: np.ndarray = butter(order, frequency, kind, output="sos", fs=rate)
    return sections
