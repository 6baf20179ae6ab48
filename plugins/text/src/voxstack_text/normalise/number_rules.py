"""Rules for numbers: signs, ranges, versions, years and plain amounts."""
# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are the subject here

from __future__ import annotations

import re

from voxstack_text.normalise import numbers
from voxstack_text.normalise.currencies import SIGNS
from voxstack_text.normalise.rule import (
    DIGITS,
    LOOKBEHIND,
    NUMBER,
    NUMBER_END,
    NUMBER_START,
    IsKnown,
    Reading,
    Rule,
    alternatives,
    always,
    by_group,
    rule,
    text_before,
    word_or_letters,
)

VERSIONED = "version Version release Release Python Ubuntu Java Android iOS macOS Linux Node Ruby Rust PHP".split()
"""Words before numbers whose second part is read as a number too: "Python 3.12"."""

_SIGN = alternatives(SIGNS)
_YEAR_BEFORE = re.compile(
    r"(?:\b(?:in|since|by|from|until|till|before|after|around|circa|during|of|year|late|early|mid"
    r"|spring|summer|autumn|fall|winter)|\()\s*$",
    re.IGNORECASE,
)
_PLURAL_AFTER = re.compile(
    r"\s+(?!(?:was|is|has|this|its|as|his|always|perhaps|us|does|yes|thus|unless|plus|census|olympics|elections)\b)"
    r"[a-z]{2,}s\b"
)
_POWER_OF_TEN = re.compile(r"\s?10\^")
_DURATION_BEFORE = re.compile(
    r"\b(?:after|within|for|takes?|took|lasts?|lasted|every|wait(?:ed)?"
    r"|about|than|least|only|another|of|exactly|over|under|an?) $"
)
_VERSIONED_BEFORE = re.compile(rf"\b(?:{alternatives(VERSIONED)}) $")
_EQUATION_AFTER = re.compile(r"[\d.,]+(?: ?[-+*/×÷] ?[\d.,]+)* ?=")


def _ordinal(match: re.Match[str], is_known: IsKnown) -> Reading:
    return numbers.ordinal(int(match[1].replace(",", "")))


def _release(match: re.Match[str], is_known: IsKnown) -> Reading:
    return _version(match, is_known) if _VERSIONED_BEFORE.search(text_before(match)) else None


def _version(match: re.Match[str], is_known: IsKnown) -> Reading:
    spoken = " point ".join(numbers.amount(part) for part in match["number"].split("."))
    return f"version {spoken}" if match["v"] else spoken


def _range(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read the first number and "to"; other rules read the second number, which may have a unit."""
    first = match["first"]
    if match["dash"].strip() == "-" and _EQUATION_AFTER.match(match.string[match.end() : match.end() + LOOKBEHIND]):
        return by_group(match, first=numbers.amount(first), dash="minus")
    if first == match["last"] == "50":
        return by_group(match, first="fifty")
    years = len(match["last"]) in (2, 4) and re.fullmatch("1[0-9]{3}|20[0-9]{2}", first)
    return by_group(match, first=numbers.year(int(first)) if years else numbers.amount(first), dash="to")


def _decade(match: re.Match[str], is_known: IsKnown) -> Reading:
    value = int(match["number"])
    if value < 100 and not match[0].startswith("'") and _DURATION_BEFORE.search(text_before(match)):
        return None
    return numbers.plural(numbers.year(value) if value > 99 else numbers.cardinal(value))


def _year_or_count(match: re.Match[str], is_known: IsKnown) -> Reading:
    value = int(match[0])
    dated = _YEAR_BEFORE.search(text_before(match))
    if not (1000 if dated else 1100) <= value < 2100:
        return None
    return numbers.year(value) if dated or not _PLURAL_AFTER.match(match.string, match.end()) else None


def _amount(match: re.Match[str], is_known: IsKnown) -> Reading:
    return numbers.amount(match[0])


def _times(match: re.Match[str], is_known: IsKnown) -> Reading:
    return f"{numbers.amount(match[1])} times"


def _by(match: re.Match[str], is_known: IsKnown) -> Reading:
    return by_group(
        match,
        first=numbers.amount(match["first"]),
        by="times" if match["by"] == "×" or _POWER_OF_TEN.match(match.string, match.end()) else "by",
    )


def _formation(match: re.Match[str], is_known: IsKnown) -> Reading:
    return numbers.digits(match[0])


def _ratio(match: re.Match[str], is_known: IsKnown) -> Reading:
    return f"{numbers.amount(match[1])} to {numbers.amount(match[2])}"


def _alphanumeric(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read letters and digits of one name: "B2B", "MP3", "4K"."""
    runs = re.findall(r"[A-Za-z]+|\d+", match[0])
    if len(runs) == 1:
        return None
    return " ".join(numbers.model_number(run) if run.isdigit() else word_or_letters(run, is_known) for run in runs)


RULES: tuple[Rule, ...] = (
    rule(r"(?:(?<=[%°])|(?<=°[CF]))[-–~](?=\d)", always("to")),
    rule(r"(?<!\S)–(?=(?:\d+(?:\.\d+)?\s?[°%]))", always("minus")),
    rule(rf"{NUMBER_START}\d(?:-\d){{2,3}}(?![\w-]|\.\d)", _formation),
    rule(rf"{NUMBER_START}(?P<v>(?!))?(?P<number>[1-9]\d?\.[1-9]\d){NUMBER_END}", _release),
    rule(rf"(?<![\w.)])[-−](?=(?:{_SIGN})?\s?\.?\d)", always("minus")),
    rule(r"(?<![\w.)])[-−](?=[A-Z]{3}\s?\d)|(?:(?<=UTC)|(?<=GMT))[-−](?=\d)", always("minus")),
    rule(r"(?:(?<=[*/×÷^] )|(?<=[*/×÷^-]))[-−](?=\.?[\da-zA-Z])|(?<=\d)-(?=-\.?\d)", always("minus")),
    rule(rf"(?:(?<![^\s=(:,])(?<!\d ))–(?=(?:{_SIGN})?\.?\d)", always("minus")),
    rule(r"(?:(?<![^\n])|(?<=[=(±+<>≤≥])|(?<=[=±+<>≤≥] ))[-−](?=[a-zA-Zα-ω∞√(](?![a-zA-Z']))", always("minus")),
    rule(r"(?<=\d)/(?=-\d)", always("divided by")),
    rule(rf"~(?=(?:{_SIGN})?\s?\d)", always("about")),
    rule(rf"{NUMBER_START}\d{{1,3}}(?:\.\d{{3}}){{2,}}(?![\w.]\d|\w)", _amount),
    rule(rf"{NUMBER_START}(?P<v>[vV]\.?\s?)?(?P<number>\d+(?:\.\d+){{2,}})(?!\w)", _version),
    rule(rf"{NUMBER_START}(?P<v>[vV])(?P<number>\d+(?:\.\d+)?){NUMBER_END}", _version),
    rule(r"(\d{1,3}(?:,\d{3}){1,4}|\d{1,15})(?:st|nd|rd|th)(?!\w)", _ordinal, re.IGNORECASE),
    rule(rf"{NUMBER_START}(?P<first>{NUMBER})(?P<dash>[-–—~]| [-–—~] )(?=(?P<last>{NUMBER})(?![-–,.]?\d))", _range),
    rule(r"'?(?P<number>(?:\d\d)?\d0)'?s(?!\w)", _decade),
)
"""Tried in this order, where a number may begin."""

PLAIN_RULES: tuple[Rule, ...] = (
    rule(rf"(?={DIGITS}[xX])({NUMBER})[xX](?!\w)(?!\s?[-+=*/^\d])", _times),
    rule(rf"(?={DIGITS}\s?[xX×])(?P<first>{NUMBER})\s?(?P<by>[xX×])(?=\s?\d)", _by),
    rule(rf"{NUMBER_START}(\d+):(\d+){NUMBER_END}", _ratio),
    rule(r"[A-Za-z\d]*\d[A-Za-z\d]*", _alphanumeric),
    rule(rf"{NUMBER_START}\d{{4}}{NUMBER_END}", _year_or_count),
    rule(NUMBER, _amount),
)
"""Tried in this order, after all others that may begin with a number."""
