"""Clauses that others presume: the block runs on its case, and runs the same way again."""

from __future__ import annotations

import numpy as np

from voxstack.blocks import StreamableBlock
from voxstack.errors import describe
from voxstack.testing.cases import Case, call
from voxstack.testing.comparing import are_equal
from voxstack.testing.feeding import cut
from voxstack.testing.judging import presume


def check_runs_on_its_case(case: Case) -> None:
    """Require that the block runs on the input of its case, and gives arrays, or named entries."""
    absent = case.block.needs - case.utterance.keys()
    assert not absent, f"the case gives no {sorted(absent)}, which the block needs; add them to Case(utterance=...)"
    try:
        if isinstance(case.block, StreamableBlock):
            for chunk in case.block.stream(cut(case.frames(), [16], copy=True), case.own_utterance()):
                kind = type(chunk).__name__
                assert isinstance(chunk, np.ndarray), f"yields a {kind}; yield numpy arrays, time on axis 0"
        else:
            kind = type(given := call(case.block, case.own_utterance())).__name__
            assert hasattr(given, "keys"), f"returns a {kind}; return the entries that it adds to the utterance"
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"fails on the input of its case: {describe(error)}") from error


def check_is_deterministic(case: Case) -> None:
    """Require the same output for the same input, bit for bit: random numbers follow from the control ``seed``."""
    presume(case, check_runs_on_its_case)
    advice = "draw random numbers by voxstack.streaming.seeds.generator(utterance, name), which follows the seed"
    if isinstance(case.block, StreamableBlock):
        one, other = (case.chunks([16], seed=case.utterance.get("seed", 7)) for _ in range(2))
        assert are_equal(one, other), f"gives something else when it runs again on the same input; {advice}"
        return
    made, again = (call(case.block, case.own_utterance(seed=case.utterance.get("seed", 7))) for _ in range(2))
    for name, value in made.items():
        assert are_equal(value, again.get(name)), f"{name!r} differs from one run to the next; {advice}"
