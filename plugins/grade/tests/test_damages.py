"""Damaged voices: the row that is meant catches each, and the undamaged voice passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from damages import DAMAGES, damaged, world

from voxstack_grade import Report, grade
from voxstack_grade.limits import read_limits
from voxstack_grade.sentences import read_sentences

BASELINES = Path(__file__).parents[1] / "baselines"
HEARD = [damage for damage, (row, _) in DAMAGES.items() if row == "wer"]


def graded(addon: Any, without: list[str], count: int = 5) -> Report:
    return grade(
        addon,
        BASELINES / "amber.json",
        read_sentences(count=count),
        limits=read_limits(None, ["rtf=0.3"]),
        without=["golden", *without],
        jobs=1,
        registry=world(),
    )


@pytest.mark.parametrize("damage", [damage for damage in DAMAGES if damage not in HEARD])
def test_the_row_that_is_meant_catches_it(damage: str, tmp_path: Path) -> None:
    report = graded(damaged(tmp_path, damage), ["wer"])
    assert report.row(DAMAGES[damage][0]).verdict == "fail", [row for row in report.rows if row.verdict == "fail"]
    assert not report.passed


@pytest.mark.parametrize("damage", HEARD[:1])
def test_words_that_are_misheard_are_caught(damage: str, tmp_path: Path) -> None:
    assert graded(damaged(tmp_path, damage), []).row("wer").verdict == "fail"


@pytest.mark.parametrize("name", ["amber", "cobalt"])
def test_this_repositorys_voices_pass_their_baselines(name: str) -> None:
    report = grade(name, BASELINES / f"{name}.json", read_sentences(count=4), without=["golden"], jobs=1)
    assert report.passed, [row for row in report.rows if row.verdict != "pass"]
    assert report.row("wer").verdict == "pass"
