# ruff: noqa: RUF001 -- typographic marks are the subject here
from __future__ import annotations

import pytest

from voxstack import RequestError, StackError
from voxstack.testing import Case, parametrize_with_checks
from voxstack_text.rewrite import Rewrite

FIELDS = {
    "form": "NFKD",
    "removed": ["\U0001f600-\U0001f64f", "♥"],
    "replaced": [["–", "-"], ["_", " "], ["@", " at "], [" ,", ","]],
    "single": "\"'",
    "squeeze": True,
    "ending": ".",
    "endings": ".!?",
    "before": "<en>",
    "after": "</en>",
}


def block(**fields):
    made = Rewrite("written", **fields)
    made.load(None)
    return made


def rewritten(text, **fields):
    return block(**fields)({"text": text})["written"]


@parametrize_with_checks(
    [
        Case(block(**FIELDS), {"text": "I ♥ you , b_b@c.de"}),
        Case(block(source="other", stripped=".!", ending=","), {"other": "So!!"}),
    ]
)
def test_contract(case, check):
    check(case)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi", "<en>Hi.</en>"),
        ("Hi!  there\n", "<en>Hi! there.</en>"),
        ("I ♥ you , b_b@c\U0001f600?", "<en>I you, b b at c?</en>"),
        ("'''So'' “x”", "<en>'So' “x”.</en>"),
        ("é", "<en>e\u0301.</en>"),
        ("", "<en>.</en>"),
    ],
)
def test_all_of_it_in_order(text, expected):
    assert rewritten(text, **FIELDS) == expected


def test_nothing_is_changed_unless_it_is_said():
    assert rewritten("  a  “b”\u00a0\n") == "  a  “b”\u00a0\n"


def test_marks_at_the_end_can_be_replaced():
    assert rewritten("So what?! ", stripped=".!?", ending=",") == "So what,"
    assert rewritten("[a-z]^\\", removed=["^", "\\", "]", "a-c"]) == "[-z"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"removed": ["ab"]}, "'ab' is neither a character nor a range"),
        ({"removed": ["b-a"]}, "'b-a' is neither"),
        ({"replaced": [["a"]]}, "not a pair"),
        ({"replaced": [["", "b"]]}, "not a pair"),
    ],
)
def test_fields_that_cannot_be_are_refused(fields, problem):
    with pytest.raises(StackError, match=problem):
        block(**fields)


def test_a_text_in_parts_is_refused():
    with pytest.raises(RequestError, match="put Sentences around the block"):
        block()({"text": iter(["a"])})
