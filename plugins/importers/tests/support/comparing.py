"""Comparison of the speech of an addon with that of the original."""

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


def error(samples: np.ndarray, reference: np.ndarray) -> float:
    """Return the largest difference of samples, relative to the peak; there must be as many."""
    assert samples.shape == reference.shape
    return float(np.abs(samples - reference).max() / np.abs(reference).max())
