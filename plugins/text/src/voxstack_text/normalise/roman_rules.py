"""Rules for Roman numerals, and the words that they follow."""

from __future__ import annotations

import re

from voxstack_text.normalise import numbers
from voxstack_text.normalise.rule import IsKnown, Reading, Rule, by_group, rule, text_before

COUNTED = frozenset(
    (
        "chapter part act book volume section appendix phase type class war article scene stage level title "
        "grade tier bowl"
    ).split()
)
"""Words after which a Roman numeral is a number: "World War II"."""

REIGNING = frozenset(
    (
        "henry edward george charles james william louis richard elizabeth john paul pius benedict philip "
        "napoleon alexander catherine peter nicholas leo gregory innocent urban clement francis frederick "
        "wilhelm otto mary ivan ferdinand leopold haakon christian gustav carl margaret joseph franz rameses "
        "ramses ptolemy"
    ).split()
)
"""Names after which a Roman numeral is an ordinal: "Henry VIII"."""

_NUMERAL = r"(?P<numeral>[IVXLC]+)(?!\w|')"
_VERB_AFTER_I = re.compile(r"\s+(?!of\b|was\b|is\b|and\b|had\b|to\b|in\b|ruled\b|reigned\b|became\b|died\b)[a-z]")


def _count(match: re.Match[str], is_known: IsKnown) -> Reading:
    if match["word"].lower() not in COUNTED or not match["word"][0].isupper():
        return None
    value = _value(match["numeral"])
    return by_group(match, word=match["word"].lower(), numeral=numbers.cardinal(value)) if value else None


def _reign(match: re.Match[str], is_known: IsKnown) -> Reading:
    if match["word"].lower() not in REIGNING:
        return None
    if match["numeral"] == "I" and _VERB_AFTER_I.match(match.string, match.end()):
        return None
    value = _value(match["numeral"])
    return by_group(match, word=match["word"].lower(), numeral=f"the {numbers.ordinal(value)}") if value else None


def _alone(match: re.Match[str], is_known: IsKnown) -> Reading:
    return numbers.cardinal(_value(match[0]))


def _century(match: re.Match[str], is_known: IsKnown) -> Reading:
    value = _value(match["numeral"])
    return numbers.ordinal(value) if value else None


def _sequel(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read "IV" after a name, as in "Rocky IV"; "an IV" is something else."""
    article = r"(?:The|An|His|Her|My|This|That|Your|Their)"
    return "four" if re.search(rf"\b(?!{article}\b)[A-Z][a-z]+ $", text_before(match)) else None


def _year(match: re.Match[str], is_known: IsKnown) -> Reading:
    return numbers.year(_value(match[0]))


def _value(numeral: str) -> int:
    """Return the value of a Roman numeral, or 0 if it is not well-formed."""
    try:
        return numbers.roman(numeral)
    except ValueError:
        return 0


RULES: tuple[Rule, ...] = (
    rule(rf"(?P<word>[A-Z][a-z]+)\s+{_NUMERAL}", _count),
    rule(rf"(?P<word>[A-Z][a-z]+)\s+{_NUMERAL}", _reign),
    rule(r"(?P<numeral>[IVXLC]{2,})(?= [Cc]entur)", _century),
    rule(r"(?:II|III|VI|VII|VIII|IX|XI|XII|XIII|X{1,2}(?:IX|IV|VI{1,3})|XXI{1,3})(?!\w|')", _alone),
    rule(r"IV(?=\s*(?:$|[.,;:!?)])|\s+(?:is|was|and|in|of|or|to|has|had|came|made)\b)", _sequel),
    rule(r"(?=\w{4})M{1,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})(?!\w|')", _year),
)
"""Tried in this order, before the rules for words."""
