"""Filters with feedback as streams: what the blocks of this plugin that filter have in common."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, Resources, StackError, StreamableBlock, Utterance
from voxstack_effects.samples import RATE_LIMITS, known_rate, sample_chunks


@dataclass(kw_only=True)
class IIRFilter(StreamableBlock):
    """A filter of second-order sections in series, computed in float64 with the state of ``scipy.signal.sosfilt``.

    :param sample_rate: sample rate, Hz; by default the addon's.
    """

    sample_rate: int | None = field(default=None, metadata=RATE_LIMITS)
    _rate: int | None = field(default=None, init=False, repr=False, compare=False)

    takes = "samples"
    makes = "samples"

    @abstractmethod
    def sections(self, rate: int) -> np.ndarray:
        """Return the second-order sections, (sections, 6) float64, at a sample rate in Hz."""

    def load(self, addon: Resources) -> None:
        self._rate = self.sample_rate or addon.config["sample_rate"]
        self.sections(self._rate)  # frequencies that do not fit are errors now instead of in the first request

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        name = type(self).__name__
        run = FilterRun(self.sections(known_rate(self._rate or self.sample_rate, name)))
        for chunk in sample_chunks(source, name):
            with np.errstate(over="ignore", invalid="ignore"):  # the end of the stack refuses what is not finite
                filtered = run(chunk).astype(np.float32)
            yield filtered


class FilterRun:
    """The filter of one stream; begins at rest.

    :param sections: (sections, 6) float64.
    """

    def __init__(self, sections: np.ndarray) -> None:
        self._sections = sections
        self._state = np.zeros((len(sections), 2))

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Return the next samples filtered, float64."""
        if not len(samples):
            return np.zeros(0)
        from scipy.signal import sosfilt

        filtered, self._state = sosfilt(self._sections, samples.astype(np.float64), zi=self._state)
        result: np.ndarray = filtered
        return result


def check_below_nyquist(frequency: float, rate: int, name: str) -> None:
    """Check that a sample rate can hold a frequency, both in Hz.

    :param name: of the field.
    :raises StackError: if it is not below half the rate.
    """
    if not 0 < frequency < rate / 2:
        problem = f"{frequency:g} Hz is not between 0 and half the sample rate of {rate} Hz"
        raise StackError(name, f"{problem}; write a frequency below {rate / 2:g}")
