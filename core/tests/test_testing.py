"""The contract kit: good blocks pass every clause, and each clause alone catches the block that breaks it."""

from __future__ import annotations

import re
import sys
import unittest
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_blocks import BAD
from good_blocks import GOOD, Blur, Count, Half, Length

from voxstack import Frames, StreamableBlock, Utterance
from voxstack.testing import Case, Unjudged, checks, checks_for, parametrize_with_checks


@parametrize_with_checks(GOOD)
def test_good_blocks_pass(case: Case, check: Any) -> None:
    check(case)


def faults(case: Case) -> dict[Callable[[Case], None], str]:
    """Return what each clause that a case breaks says."""
    found = {}
    for check in checks_for(case.block):
        try:
            check(case)
        except Unjudged:
            continue
        except AssertionError as error:
            found[check] = str(error)
    return found


@pytest.mark.parametrize("clause", BAD, ids=lambda clause: clause.__name__.removeprefix("check_"))
def test_each_clause_alone_catches_its_bad_block(clause: Callable[[Case], None]) -> None:
    bad, problem = BAD[clause]
    case = bad if isinstance(bad, Case) else Case(bad)
    found = faults(case)
    assert list(found) == [clause], found
    assert re.search(problem, found[clause]), found[clause]


@pytest.fixture
def heavy_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import a module of a plugin that imports scipy."""
    good = (Path(__file__).parents[2] / "tests" / "support" / "good_blocks.py").read_text()
    (tmp_path / "heavy_plugin.py").write_text(good.replace("import numpy", "import scipy.signal\nimport numpy"))
    monkeypatch.syspath_prepend(tmp_path)
    import heavy_plugin

    yield heavy_plugin
    del sys.modules["heavy_plugin"]


def test_the_clause_on_imports_alone_catches_a_heavy_module(heavy_module: Any) -> None:
    found = faults(Case(heavy_module.Blur()))
    assert list(found) == [checks.check_is_cheap_to_import]
    assert "importing 'heavy_plugin' imports scipy; import it in the function" in found[checks.check_is_cheap_to_import]


def test_every_clause_has_a_bad_block() -> None:
    clauses = {check for block in (Half(), Blur(), Count(), Length()) for check in checks_for(block)}
    assert clauses - BAD.keys() == {checks.check_is_cheap_to_import}
    assert all(clause.__doc__ for clause in clauses)


def test_what_cannot_be_judged_is_skipped_by_any_runner() -> None:
    assert issubclass(Unjudged, unittest.SkipTest)
    broken = Case(BAD[checks.check_runs_on_its_case][0])
    with pytest.raises(Unjudged, match="it can be judged when 'runs_on_its_case' holds"):
        checks.check_keeps_its_hop(broken)


@dataclass
class Echo(StreamableBlock):
    """Adds an echo."""

    takes = makes = "samples"
    lookback = 0

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        past = np.zeros(3200, np.float32)
        for chunk in source:
            past = np.concatenate([past, chunk])
            yield chunk + np.float32(0.5) * past[: len(chunk)]
            past = past[len(chunk) :]


def test_an_echo_of_a_fifth_of_a_second_is_seen() -> None:
    case = Case(Echo())
    checks.check_ignores_how_the_source_is_cut(case)
    with pytest.raises(AssertionError, match="depends on more than the 0 steps of its lookback"):
        checks.check_keeps_its_lookback(case)
