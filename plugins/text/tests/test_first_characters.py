# ruff: noqa: RUF001 -- signs that look alike are the subject here
from __future__ import annotations

import re
from pathlib import Path

import pytest

from voxstack_text.normalise import normaliser
from voxstack_text.normalise.first_characters import first_character
from voxstack_text.normalise.normaliser import RULES
from voxstack_text.pronunciation.lexicon import Lexicon
from voxstack_text.pronunciation.pronouncer import Pronouncer

IS_KNOWN = Pronouncer(Lexicon.built_in()).is_known
SET = (Path(__file__).parent / "data" / "normalisation.tsv").read_text()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("abc", "a"),
        ("a?bc", "ab"),
        ("(?:a|b*)c", "abc"),
        ("(?P<x>[a-c]{0,3})x(?P=x)", "abcx"),
        (r"(?<![\w.,])-?\d+", "-0123456789"),
        (r"(?=\w{4})M{1,3}|\bx\.$", "Mx"),
        (r"(?:(?<=a) |(?!b))[])x]\$", " ])x"),
        (r"(?P<v>(?!))?\.x", "."),
        ("a{2}b", "a"),
        ("a{,2}b", "ab"),
        ("(a|)b", "ab"),
    ],
)
def test_first_characters(pattern: str, expected: str) -> None:
    first = first_character(pattern)
    assert {chr(code) for code in range(128) if first.match(chr(code))} == set(expected)


def test_case_counts_as_in_the_pattern() -> None:
    assert first_character("https?://", re.IGNORECASE).match("H")
    assert not first_character("https?://").match("H")


@pytest.mark.parametrize("pattern", ["a*", "", "(?i:a)b", "(?(1)a|b)", "a)b", "a|"])
def test_what_cannot_be_read_is_an_error_and_no_missed_rule(pattern: str) -> None:
    with pytest.raises(ValueError, match="cannot read"):
        first_character(pattern)


def test_rules_begin_with_their_first_characters() -> None:
    """Whatever matches anywhere in the set of readings, and in all signs in a row, begins with one of them."""
    text = SET[::2] + "".join(map(chr, range(33, 0x2200)))
    begins = 0
    for rule in RULES:
        for match in rule.pattern.finditer(text):
            assert rule.first.match(match[0])
            begins += 1
    assert begins > 1000


def test_readings_are_the_same_as_if_all_rules_were_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line.split("\t") for line in SET.splitlines() if "\t" in line]
    texts = [line[1] for line in lines[::3]] + [
        "5 km/s – “€3.50”, x² @voxstack #4 'tis 10-12 °C §5 漢字 Привет αβ 3×4 *a*"
    ]
    expected = [normaliser.normalise(text, IS_KNOWN) for text in texts]
    monkeypatch.setattr(normaliser, "_rules_for", lambda character: RULES)
    assert [normaliser.normalise(text, IS_KNOWN) for text in texts] == expected
