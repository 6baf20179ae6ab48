"""How what an imported voice says is compared with what the original says."""

from __future__ import annotations

import numpy as np

from voxstack import Schedule

SCHEDULES = [
    Schedule(first=1, growth=1.0, largest=1),
    Schedule(first=7, growth=1.3),
    Schedule(first=64, growth=2.0),
    Schedule(first=5000),
]
"""From frame by frame to all at once."""


def error(made: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference of samples, of the peak; there must be as many."""
    assert made.shape == wanted.shape
    return float(np.abs(made - wanted).max() / np.abs(wanted).max())
