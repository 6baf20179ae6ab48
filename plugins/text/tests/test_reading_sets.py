"""The sets in ``data/reading``: what people, language models, books and pages write, read by the default voice."""

from __future__ import annotations

from collections import Counter

import pytest
from reading_sets import SETS, Case, cases, is_right, read, written_as

import voxstack

SHARES = {"cases": 1.0, "siblings": 0.98, "siblings_of_another": 0.98, "blind": 0.98, "hostile": 1.0, "novels": 1.0}
"""Least share of the cases of each set that are read right."""


@pytest.fixture(scope="module")
def amber() -> voxstack.Voice:
    return voxstack.load("amber")


@pytest.mark.parametrize("name", SHARES)
def test_texts_are_read_as_a_careful_reader_would(name: str, amber: voxstack.Voice) -> None:
    every = cases(name)
    found = {case.written: read(amber, case.written) for case in every}
    wrong = [case for case in every if not is_right(case, found[case.written])]
    listed = "\n".join(
        f"{case.kind}: {case.written!r} should be {case.readings[0]!r}, not {written_as(case, found[case.written])!r}"
        for case in wrong
    )
    print(f"{name}: {len(every) - len(wrong)} of {len(every)}\n{listed}")
    assert len(wrong) <= (1 - SHARES[name]) * len(every), f"{len(wrong)} of {len(every)} are read wrong:\n{listed}"


def test_every_set_is_tested_and_large_enough() -> None:
    assert {path.stem for path in SETS.glob("*.tsv")} == SHARES.keys()
    every = [case for name in SHARES for case in cases(name)]
    assert len({case.written for case in every}) == len(every), "a text occurs twice"
    kinds = Counter(case.kind for case in cases("cases"))
    siblings = Counter(case.kind for name in ("siblings", "siblings_of_another") for case in cases(name))
    assert all(siblings[kind] >= 10 for kind in kinds), siblings


def test_a_wrong_reading_is_distinguished_from_a_right_one(amber: voxstack.Voice) -> None:
    def right(written: str, *readings: str) -> bool:
        return is_right(Case("any", written, readings), read(amber, written))

    assert right("$5", "five dollars")
    assert not right("$5", "dollars five")
    assert right("$5", "five bucks", "five dollars")
    assert right("One, two", "one / two")
    assert not right("One two", "one / two")
    assert right("I will read.", "i will read[r iy1 d]")
    assert not right("I will read.", "i will read[r eh1 d]")
