"""Rules for references: abbreviations before a number, such as "ch. 4", "Ste. 200" and "b. 1900"."""

from __future__ import annotations

import re

from voxstack_text.normalise.abbreviations import BEFORE_YEAR, REFERENCES
from voxstack_text.normalise.rule import IsKnown, Reading, Rule, alternatives, always, rule


def _reference(match: re.Match[str], is_known: IsKnown) -> Reading:
    return REFERENCES[match[1].lower()]


def _year(match: re.Match[str], is_known: IsKnown) -> Reading:
    return BEFORE_YEAR[match[1]]


_CAPITALIZED = [form for word in REFERENCES for form in (word, word.capitalize()) if form != "ex"]

RULES: tuple[Rule, ...] = (
    rule(r"\(c\)(?=\s?(?:\d{4}|[Cc]opyright)\b)", always("copyright")),
    rule(rf"(?<![\w.])({alternatives(BEFORE_YEAR)})\.(?=\s?\d{{3,4}}(?!\d|[.,]\d))", _year),
    rule(rf"(?<![\w.])({alternatives(_CAPITALIZED)})\.(?=\s?\d)", _reference),
)
"""Tried before the rules for words."""
