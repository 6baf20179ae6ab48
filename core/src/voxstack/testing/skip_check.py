"""The clause of the contract on streams that start in the middle."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from voxstack.blocks import StreamableBlock
from voxstack.testing.cases import Case


def check_skips_what_no_one_reads(case: Case) -> None:
    """Require that ``skip`` changes no step after those it counts, though the source before ``lookback`` is zeros."""
    assert isinstance(case.block, StreamableBlock)
    back, whole = case.block.lookback, case.run([16])
    if back is None:
        return
    for skip in sorted({0, 1, back + 1, len(whole) // 3, len(whole) // 2, len(whole), len(whole) + 9}):
        own = dataclasses.replace(case, utterance={**case.utterance, "skip": skip})
        if not case.block.head:
            own.source = case.frames().copy()
            own.source[: max(0, math.floor(skip / case.block.hop) - back)] = 0
        for sizes in ([1], [7, 30], [10**6]):
            made = own.run(sizes)
            assert len(made) == len(whole), f"skip {skip} changes the number of steps: {len(made)} of {len(whole)}"
            error = float(np.abs(made[skip:] - whole[skip:]).max(initial=0.0))
            allowed = case.tolerance * float(np.abs(whole).max(initial=0.0))
            assert error <= allowed, f"the steps after skip {skip} differ by {error:.3g}, allowed is {allowed:.3g}"
