"""Rules for Roman numerals, and the words that they follow."""
# ruff: noqa: RUF001 -- dashes that look alike are the subject here

from __future__ import annotations

import re

from voxstack_text.normalise import numbers
from voxstack_text.normalise.abbreviations import REFERENCES
from voxstack_text.normalise.rule import IsKnown, Reading, Rule, alternatives, by_group, rule, text_before

COUNTED = frozenset(
    (
        "chapter chapters part parts act acts book books volume volumes section sections appendix phase type class war "
        "article articles scene scenes stage level title grade tier bowl page pages canto sonnet psalm figure table "
        "note item rule step unit lesson episode season number paragraph line lines division group factor "
        "generation mark schedule exhibit annex plate olympiad"
    ).split()
)
"""Words after which a Roman numeral is a number: "World War II"."""

SMALL = frozenset(
    "page pages part chapter chapters section sections scene scenes act line lines note item volume".split()
)
"""Those of :data:`COUNTED` that small Roman numerals follow too: "page xii"."""

REIGNING = frozenset(
    (
        "henry edward george charles james william louis richard elizabeth john paul pius benedict philip "
        "napoleon alexander catherine peter nicholas leo gregory innocent urban clement francis frederick "
        "wilhelm otto mary ivan ferdinand leopold haakon christian gustav carl margaret joseph franz rameses "
        "ramses ptolemy robert victor alfonso juan pedro manuel felipe harald olav magnus erik gustaf "
        "sigismund casimir stephen rudolf maximilian friedrich mehmed murad selim baldwin constantine theodosius "
        "justinian xerxes darius artaxerxes antiochus amenhotep thutmose seti cleopatra sixtus julius martin boniface "
        "adrian hadrian eugene celestine umberto albert baudouin carol boris margrethe isabella anne edmund "
        "ethelred david kenneth donald suleiman akbar"
    ).split()
)
"""Names after which a Roman numeral is an ordinal: "Henry VIII"."""

_ROMAN = r"[IVXLC]+(?!\w|'(?!s\b))"
_NUMERAL = rf"(?P<numeral>{_ROMAN})"
_SMALL_NUMERAL = r"[ivxlc]+(?![\w'.])(?!-(?![ivxlc]+\b)\w)|[ivxlc]+(?=\.(?:\s|$))"
_LETTERS = frozenset("cdlm")
"""Single numerals that are letters: "(c)", "Section L"."""

_NUMBER_VERB = re.compile(
    r"\s+(?:begins|starts|ends|describes|covers|shows|deals|contains|explains|we|the|for|with|by|on|as|a|an|or|which|that|diabetes|error)\b"
)
_VERB_AFTER_I = re.compile(r"\s+(?!of\b|was\b|is\b|and\b|had\b|to\b|in\b|ruled\b|reigned\b|became\b|died\b)[a-z]")


def _count(match: re.Match[str], is_known: IsKnown) -> Reading:
    word = match["word"].lower()
    spoken = REFERENCES.get(word[:-1]) if word.endswith(".") else word
    if spoken not in COUNTED:
        return None
    value, numeral = _value(match["numeral"]), match["numeral"]
    if numeral == "I" and (
        _VERB_AFTER_I.match(match.string, match.end()) and not _NUMBER_VERB.match(match.string, match.end())
    ):
        return None
    if numeral.lower() in _LETTERS or (numeral == "I" and (match["word"].islower() or word.endswith("."))):
        return None
    return by_group(match, word=spoken, numeral=numbers.cardinal(value)) if value else None


def _count_small(match: re.Match[str], is_known: IsKnown) -> Reading:
    word = match["word"].lower()
    spoken = REFERENCES.get(word[:-1]) if word.endswith(".") else word
    value = _value(match["numeral"].upper())
    if (
        spoken not in SMALL
        or not value
        or match["numeral"] in _LETTERS
        or (match["numeral"] == "i" and not spoken.startswith("page"))
    ):
        return None
    return by_group(match, word=spoken, numeral=numbers.cardinal(value))


def _continued(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read the second numeral of "pages iv-x" and "chapters II and III"."""
    if match["numeral"] == "I" or not _COUNTED_BEFORE.search(text_before(match)):
        return None
    value = _value(match["numeral"].upper())
    return numbers.cardinal(value) if value else None


def _to(match: re.Match[str], is_known: IsKnown) -> Reading:
    return "to" if _COUNT_BEFORE.search(text_before(match)) else None


def _item(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read "iv." before an item of a list."""
    value = _value(match["numeral"].upper())
    if match["numeral"] in _LETTERS:
        return None
    return numbers.cardinal(value) if value and not text_before(match).strip(" ") else None


def _in_parentheses(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read "(ii)"; a single letter is a numeral only before an item."""
    value = _value(match["numeral"].upper())
    first = not text_before(match).strip(" (")
    if match["numeral"] in _LETTERS:
        return None
    return numbers.cardinal(value) if value and (len(match[0]) > 1 or first) else None


def _reign(match: re.Match[str], is_known: IsKnown) -> Reading:
    if match["word"].lower() not in REIGNING:
        return None
    if match["numeral"] == "I" and _VERB_AFTER_I.match(match.string, match.end()):
        return None
    value = _value(match["numeral"])
    if not value:
        return None
    possessive = "'s" if match["possessive"] else ""
    return by_group(match, word=match["word"].lower(), numeral=f"the {numbers.ordinal(value)}{possessive}")


def _second_reign(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read the second numeral of "Henry VII and VIII"."""
    before = _REIGN_BEFORE.search(text_before(match))
    value = _value(match["numeral"])
    if not before or before[1].lower() not in REIGNING or not value:
        return None
    return f"the {numbers.ordinal(value)}"


def _alone(match: re.Match[str], is_known: IsKnown) -> Reading:
    return numbers.cardinal(_value(match[0]))


def _ordinal(match: re.Match[str], is_known: IsKnown) -> Reading:
    value = _value(match["numeral"])
    return numbers.ordinal(value) if value else None


def _sequel(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read "IV" after a name, as in "Rocky IV"; "an IV" is something else."""
    article = r"(?:The|An|His|Her|My|This|That|Your|Their)"
    return "four" if re.search(rf"\b(?!{article}\b)[A-Z][a-z]+ $", text_before(match)) else None


def _year(match: re.Match[str], is_known: IsKnown) -> Reading:
    return numbers.year(_value(match[0]))


def _world_war(match: re.Match[str], is_known: IsKnown) -> Reading:
    return f"world war {numbers.cardinal(_value(match['numeral']))}"


def _value(numeral: str) -> int:
    """Return the value of a Roman numeral, or 0 if it is not well-formed."""
    try:
        return numbers.roman(numeral)
    except ValueError:
        return 0


_COUNT = rf"\b(?:{alternatives(COUNTED)}|pp?\.|chs?\.|vols?\.|secs?\.|pts?\.) (?:[IVXLC]+|[ivxlc]+)"
_COUNT_BEFORE = re.compile(rf"{_COUNT}$", re.IGNORECASE)
_COUNTED_BEFORE = re.compile(rf"{_COUNT}(?:,? (?:and|or|to|&) |, |\s?[-–]\s?)$", re.IGNORECASE)
_REIGN_BEFORE = re.compile(r"\b([A-Z][a-z]+) [IVXLC]+ (?:and|&) $")

RULES: tuple[Rule, ...] = (
    rule(rf"(?P<word>[A-Za-z]+\.?)\s+(?=[IVXLC]){_NUMERAL}", _count),
    rule(
        rf"(?P<word>(?:[Pp]|[Cc]h|[Ss]|[Aa]c|[Ll]i|[Nn]o|[Ii]t|[Vv]o)[a-z]*\.?)\s+(?P<numeral>{_SMALL_NUMERAL})",
        _count_small,
    ),
    rule(rf"(?P<numeral>{_ROMAN}|[ivxlc]+(?![\w']))", _continued),
    rule(r"[-–](?=[IVXLC]+\b|[ivxlc]+\b)", _to),
    rule(r"(?P<numeral>[ivxlc]+)[.)](?=\s[A-Z]|\s*$)", _item),
    rule(r"(?<=\()(?P<numeral>[ivxlc]+)(?=\))", _in_parentheses),
    rule(rf"(?P<word>[A-Z][a-z]+)\s+{_NUMERAL}(?P<possessive>'s)?", _reign),
    rule(rf"(?P<numeral>{_ROMAN})", _second_reign),
    rule(r"(?P<numeral>[IVXLC]{2,})(?= [Cc]entur)", _ordinal),
    rule(r"(?P<numeral>[IVXLC]+)(?:st|nd|rd|th)(?!\w)", _ordinal),
    rule(r"WW(?P<numeral>I{1,3})(?!\w)", _world_war),
    rule(r"(?:II|III|VI|VII|VIII|IX|XI|XII|XIII|X{1,2}(?:IX|IV|VI{1,3})|XXI{1,3})(?!\w|')", _alone),
    rule(r"IV(?=\s*(?:$|[.,;:!?)])|\s+(?:is|was|and|in|of|or|to|has|had|came|made)\b)", _sequel),
    rule(r"(?=\w{4})M{1,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})(?!\w|')", _year),
)
"""Tried in this order, before the rules for words."""
