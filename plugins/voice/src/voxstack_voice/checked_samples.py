"""Checks of what a stack ends in."""

from __future__ import annotations

import numpy as np

from voxstack.errors import StackError


def checked_samples(samples: np.ndarray) -> np.ndarray:
    """Return samples as float32.

    :raises StackError: if they are none, or not finite.
    """
    if samples.ndim != 1:
        problem = f"a voice ends in samples, (samples,), and this one gave the shape {samples.shape}"
        raise StackError("stack", f"{problem}; end the stack in a block that makes samples")
    if samples.dtype.kind != "f":
        problem = f"a voice ends in samples of type float32 in -1..1, and this one gave {samples.dtype}"
        raise StackError("stack", f"{problem}; convert them in the last block")
    samples = np.asarray(samples, np.float32)
    if not np.isfinite(samples).all():
        raise StackError(
            "stack", "a voice ends in finite samples, and this one gave NaN or infinity; add a Probe to find where"
        )
    return samples
