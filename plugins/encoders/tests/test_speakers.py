from __future__ import annotations

import numpy as np
import pytest

from voxstack import RequestError, StackError
from voxstack.testing import Case, parametrize_with_checks
from voxstack_encoders.speakers import Speakers

NAMES = ["alba", "bryn", "7"]


def number(*fields, **controls):
    block = Speakers(*fields)
    block.load(None)
    return block(controls)["speaker_id"]


@parametrize_with_checks(
    [Speakers(NAMES), Case(Speakers(NAMES, "bryn"), {"speaker": "alba"}), Case(Speakers(NAMES), {"speaker": 2})]
)
def test_contract(case, check):
    check(case)


@pytest.mark.parametrize(
    ("speaker", "expected"), [("alba", 0), ("bryn", 1), ("7", 2), (0, 0), (2, 2), ("1", 1), (np.int64(1), 1)]
)
def test_names_and_numbers_are_found(speaker, expected):
    speaker_id = number(NAMES, speaker=speaker)
    assert (speaker_id.dtype, speaker_id.shape, int(speaker_id)) == (np.int64, (), expected)


def test_who_speaks_if_nobody_is_named():
    assert number(NAMES) == 0
    assert number(NAMES, "bryn") == 1


@pytest.mark.parametrize("speaker", ["brin", 3, -1, "3", True, 1.0, "²"])
def test_nobody_else_speaks(speaker):
    with pytest.raises(RequestError, match=r"there is no speaker .*use a number below 3, or one of alba, bryn, 7"):
        number(NAMES, speaker=speaker)


def test_a_near_name_is_told_and_many_names_are_not():
    with pytest.raises(RequestError, match="did you mean 'bryn'"):
        number(NAMES, speaker="brin")
    with pytest.raises(RequestError, match=r"\.\.\. \(900 in all\)"):
        number([f"s{i}" for i in range(900)], speaker="unknown")


def test_names_that_cannot_be_are_refused():
    with pytest.raises(StackError, match="two speakers are named 'a'"):
        number(["a", "b", "a"])
    with pytest.raises(StackError, match="'c' is not a speaker"):
        number(["a", "b"], "c")


def test_many_speakers_are_compared_once() -> None:
    names = [f"speaker {number}" for number in range(50_000)]
    Speakers(names).load(None)
    with pytest.raises(StackError, match="two speakers are named 'speaker 7'"):
        Speakers([*names, "speaker 9", "speaker 7"]).load(None)


@parametrize_with_checks([Case(Speakers(NAMES, rates=[1.0, 0.8, 2]), {"speaker": "bryn", "rate": 1.5})])
def test_contract_with_rates(case, check):
    check(case)


def test_a_speaker_may_have_a_speed():
    block = Speakers(NAMES, rates=[1.0, 0.8, 2.0])
    block.load(None)
    assert block.needs == {"rate"}
    assert [block({"speaker": name, "rate": 1.5})["rate"] for name in NAMES] == pytest.approx([1.5, 1.2, 3.0])
    assert Speakers(NAMES).gives == {"speaker_id"}


@pytest.mark.parametrize("rates", [[1.0], [1.0, 0.0, 1.0], []])
def test_speeds_that_cannot_be_are_refused(rates):
    with pytest.raises(StackError, match="write one number above 0 for each of 3 names"):
        Speakers(NAMES, rates=rates).load(None)
