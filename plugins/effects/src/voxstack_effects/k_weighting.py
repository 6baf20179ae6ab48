"""Loudness as ITU-R BS.1770 defines it: the weighting of frequencies, and the gates."""

from __future__ import annotations

import math

import numpy as np

from voxstack_effects.iir_filter import FilterRun

STEPS = 4
"""Steps of 100 ms in a block: blocks of 400 ms overlap by three quarters."""
_ABSOLUTE_GATE = -70.0  # LUFS
_RELATIVE_GATE = -10.0  # LU
_OFFSET = -0.691  # dB: a sine of 997 Hz at full scale has -3.01 LUFS


def k_weighting(rate: int) -> np.ndarray:
    """Return the second-order sections, (2, 6) float64, of the K-weighting at a sample rate in Hz.

    BS.1770 prints coefficients for 48 kHz alone. These are of the analogue filters behind them, by the bilinear
    transform, with the parameters of B. De Man, "Evaluation of implementations of the EBU R128 loudness measurement"
    (AES 145, 2018); at 48 kHz they are those of the standard.
    """
    shelf, low_cut = _prewarped(1681.974450955533, rate), _prewarped(38.13547087602444, rate)
    high, q = 10 ** (3.999843853973347 / 20), 0.7071752369554196
    band = high**0.4996667741545416
    poles = 1 + shelf / q + shelf**2
    first = [
        (high + band * shelf / q + shelf**2) / poles,
        2 * (shelf**2 - high) / poles,
        (high - band * shelf / q + shelf**2) / poles,
        1.0,
        2 * (shelf**2 - 1) / poles,
        (1 - shelf / q + shelf**2) / poles,
    ]
    q = 0.5003270373238773
    poles = 1 + low_cut / q + low_cut**2
    second = [1.0, -2.0, 1.0, 1.0, 2 * (low_cut**2 - 1) / poles, (1 - low_cut / q + low_cut**2) / poles]
    return np.array([first, second])


def gated_loudness(energies: np.ndarray) -> float | None:
    """Return the loudness in LUFS of blocks, or None for silence.

    :param energies: (blocks,) float64, the mean square of the weighted samples of each.
    """
    loud = energies[energies > _energy(_ABSOLUTE_GATE)]
    if not len(loud):
        return None
    loud = loud[loud > float(loud.mean()) * 10 ** (_RELATIVE_GATE / 10)]
    return _OFFSET + 10 * math.log10(float(loud.mean()))


class LoudnessMeter:
    """The mean squares of a stream of samples, weighted, a step of 100 ms at a time.

    :param rate: sample rate, Hz.
    """

    def __init__(self, rate: int) -> None:
        self.step = max(1, round(rate / 10))
        """Samples of a step."""
        self.complete = 0
        """Steps that are complete."""
        self._means: list[float] = []  # the mean square of each complete step that may still count
        self._filter = FilterRun(k_weighting(rate))
        self._rest = np.zeros(0)

    def read(self, samples: np.ndarray) -> None:
        """Read the next samples."""
        with np.errstate(over="ignore", invalid="ignore"):
            squares = np.concatenate([self._rest, self._filter(samples) ** 2])
        for start in range(0, len(squares) - self.step + 1, self.step):
            self._means.append(float(squares[start : start + self.step].copy().mean()))
            self.complete += 1
        self._rest = squares[len(squares) // self.step * self.step :]

    def blocks(self, first: int, last: int) -> np.ndarray:
        """Return the energies of the blocks that begin at steps ``first`` to before ``last`` and are complete.

        Steps before ``first`` are forgotten.
        """
        del self._means[: max(0, first - (self.complete - len(self._means)))]
        dropped = self.complete - len(self._means)
        means = np.array(self._means[: max(0, last + STEPS - 1 - dropped)])
        if len(means) < STEPS:
            return np.zeros(0)
        return np.convolve(means, np.full(STEPS, 1 / STEPS), "valid")

    def whole(self) -> np.ndarray:
        """Return the energy of all samples, (1,), or (0,) if there were none: for a stream shorter than a block."""
        count = self.complete * self.step + len(self._rest)
        total = sum(self._means) * self.step + float(self._rest.sum())
        return np.array([total / count] if count else [])


def _energy(loudness: float) -> float:
    """Return the mean square of weighted samples of a loudness in LUFS."""
    energy: float = 10 ** ((loudness - _OFFSET) / 10)
    return energy


def _prewarped(frequency: float, rate: int) -> float:
    """Return the tangent of the half angle of a frequency in Hz, below half the sample rate."""
    return math.tan(math.pi * min(frequency / rate, 0.49))
