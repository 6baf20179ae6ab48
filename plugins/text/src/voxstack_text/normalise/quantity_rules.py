"""Rules for powers of ten, magnitudes, scores and fractions."""
# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are the subject here

from __future__ import annotations

import re

from voxstack_text.normalise import numbers
from voxstack_text.normalise.magnitudes import MAGNITUDES
from voxstack_text.normalise.rule import (
    DIGITS,
    LOOKBEHIND,
    NUMBER,
    NUMBER_START,
    IsKnown,
    Reading,
    Rule,
    alternatives,
    always,
    by_group,
    rule,
    text_before,
)

_SURE = frozenset({"mn", "mln", "bn", "bln", "tn", "trn"})
"""Magnitudes that are no unit and no part of a name."""

_MAGNITUDE = alternatives(scale for scale in MAGNITUDES if len(scale) < 4)
_MANTISSA = re.compile(r"(?<!\d)\d$|\.\d\d$")
_OF_BEFORE = re.compile(r"\bof $")
_AT_A_COMPANY = re.compile(r"\b(?:at|by|for|from|with) $")
_ARTICLE = re.compile(r"\b(?:an?|the)\s+$", re.IGNORECASE)
_QUANTITY_BEFORE = re.compile(
    r"\b(?:over|about|around|nearly|almost|than|only|some|least|most|another|earns?|earned|paid|cost|costs|sold)\s+$",
    re.IGNORECASE,
)
_COUNTED_AFTER = re.compile(
    r"\s(?:(?!(?:for|in|at|of|to|by|with|from|is|was|has|had|and|or|as|on|are)\b)[a-z-]+ )?"
    r"(?:people|children|men|women|of\b|in\s(?:cash|sales|revenue)|[a-z]+(?<![sui])s\b)"
)
_PRESSURE_BEFORE = re.compile(r"\b(?:BP|[Bb]lood pressure)(?:\s(?:of|is|was|reads?|at)|:)?\s+$")
_SCORE_BEFORE = re.compile(
    r"\b(?:rate[ds]?|rating|scored?|scores|got|gets?|give|gave|gives|it|me|grade|stars)(?: an?| of|:)?\s+$",
    re.IGNORECASE,
)
_KNOWN_PAIRS = frozenset({"twenty four seven", "nine eleven", "twenty twenty", "fifty fifty"})


def _hexadecimal(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read "0x330E", and hashes such as "6466e88", digit by digit."""
    code = match["code"]
    if not match["prefix"] and not (code.islower() and len(code) > 6 and re.search("[a-f]", code)):
        return None
    spoken = " ".join(numbers.digits(part) if part.isdigit() else part.upper() for part in code)
    return f"zero X {spoken}" if match["prefix"] else spoken


def _scientific(match: re.Match[str], is_known: IsKnown) -> Reading:
    if match["unsigned"] and not _MANTISSA.search(match["number"]):
        return None  # "6466e88" is a name
    exponent = (match["exponent"] or match["unsigned"]).lstrip("+")
    sign = "minus " if exponent.startswith("-") else ""
    return f"{numbers.amount(match['number'])} times ten to the {sign}{numbers.cardinal(int(exponent.lstrip('-')))}"


def _negative_power(match: re.Match[str], is_known: IsKnown) -> Reading:
    return f"to the minus {numbers.amount(match[1])}"


def _karat(match: re.Match[str], is_known: IsKnown) -> Reading:
    return f"{numbers.amount(match['number'])} karat"


def _magnitude(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read "40k steps", "3M downloads" and "1.2bn views"; "a 10K race", "4K TV" and "gate 7B" are names."""
    scale, plus = match["scale"], " plus" if match["plus"] else ""
    sure = scale in _SURE or _QUANTITY_BEFORE.search(text_before(match)) or match["plus"]
    large = (scale == "k" or _OF_BEFORE.search(text_before(match))) and float(numbers.plain(match["number"])) >= 10
    counted = _COUNTED_AFTER.match(match.string, match.end())
    if scale.isupper() and _AT_A_COMPANY.search(text_before(match)):
        return None
    if _ARTICLE.search(text_before(match)) and scale not in _SURE:
        return None
    return f"{numbers.amount(match['number'])} {MAGNITUDES[scale]}{plus}" if sure or large or counted else None


def _magnitude_range(match: re.Match[str], is_known: IsKnown) -> Reading:
    scale = f" {MAGNITUDES[match['scale']]}" if match["scale"] else ""
    return by_group(match, number=numbers.amount(match["number"]) + scale, dash="to")


def _ratio_pair(match: re.Match[str], is_known: IsKnown) -> str | None:
    """Return the reading of "120/80 mmHg", "20/20 vision", "4/4 time" or "8/10 stars", or None for a fraction."""
    first, last = (int(part) for part in match["fraction"].split("/"))
    before, after = text_before(match), match.string[match.end() : match.end() + LOOKBEHIND]
    pair = f"{numbers.cardinal(first)} {numbers.cardinal(last)}"
    if _PRESSURE_BEFORE.search(before) or match["pressure"]:
        unit = " millimeters of mercury" if match["pressure"] else ""
        return f"{numbers.cardinal(first)} over {numbers.cardinal(last)}{unit}"
    if re.match(r"\svision\b", after):
        return pair
    if last in (2, 4, 8, 16) and re.match(r"\s(?:time|signature|meter|beat|rhythm|bar|measure)\b", after):
        return pair
    if (first + last == 100 and first % 5 == 0 and first >= 10) or (first == last > 9) or pair in _KNOWN_PAIRS:
        return pair
    scored = last in (5, 10, 20, 100) and (
        _SCORE_BEFORE.search(before) or re.match(r"\s(?!of\b)[a-z]+(?<!s)s\b|\s(?:people|children)\b", after)
    )
    if scored and first <= last and not match["whole"]:
        return f"{numbers.cardinal(first)} out of {numbers.cardinal(last)}"
    return None


def _out_of(match: re.Match[str], is_known: IsKnown) -> Reading:
    return f"{numbers.amount(match['number'])} out of {numbers.amount(match['whole'])}"


def _fraction(match: re.Match[str], is_known: IsKnown) -> Reading:
    written = match["fraction"]
    pair = _ratio_pair(match, is_known)
    if pair:
        return pair
    numerator, denominator = (int(part) for part in written.split("/"))
    if denominator < 2 or numerator < 1:
        return f"{numbers.cardinal(numerator)} slash {numbers.cardinal(denominator)}"
    spoken = numbers.fraction(numerator, denominator)
    if match["whole"]:
        return [("whole", numbers.amount(match["whole"]) + " and"), ("fraction", spoken.replace("one half", "a half"))]
    return spoken


RULES: tuple[Rule, ...] = (
    rule(r"(?<!\w)(?=0x|[\da-f]{7})(?P<prefix>0x)?(?=[\da-fA-F]*\d)(?P<code>[\da-fA-F]+)(?!\w)", _hexadecimal),
    rule(r"401\(?[kK]\)?(?!\w)", always("four oh one K")),
    rule(rf"{NUMBER_START}(?P<number>\d\d)[kK](?= (?:yellow |white |rose )?gold\b)", _karat),
    rule(
        rf"{NUMBER_START}(?={DIGITS}[eE])(?P<number>{NUMBER})"
        r"(?:[eE](?P<exponent>[-+]\d{1,3})|e(?P<unsigned>\d{1,2}))(?!\w|\.\d)",
        _scientific,
    ),
    rule(r"(?<=[\w)])\^\(?-(\d+)\)?(?!\w|\.\d)", _negative_power),
    rule(
        rf"{NUMBER_START}(?=[^-–~\n]{{1,20}}[-–~])(?P<number>{NUMBER})(?:\s?(?P<scale>{_MAGNITUDE}))?(?P<dash>\s?[-–~]\s?)"
        rf"(?={NUMBER}\s?(?:{_MAGNITUDE})\s[a-z]+s\b)",
        _magnitude_range,
    ),
    rule(
        rf"{NUMBER_START}(?={DIGITS}\s?[mbt][nlr])(?P<number>{NUMBER})\s?(?P<scale>mn|mln|bn|bln|tn|trn)(?P<plus>\+)?(?!\w)",
        _magnitude,
    ),
    rule(rf"{NUMBER_START}(?P<number>{NUMBER})(?P<scale>[kKmMBbT])(?P<plus>\+)?(?![\w/])", _magnitude),
    rule(rf"{NUMBER_START}(?P<number>\d+\.\d+)/(?P<whole>5|10|20|100)(?![\w/]|\.\d)", _out_of),
    rule(
        rf"{NUMBER_START}(?<!/)(?:(?P<whole>\d+)[ -])?(?P<fraction>\d{{1,5}}/\d{{1,6}})(?![\w/])"
        r"(?P<pressure> ?mm ?Hg\b)?",
        _fraction,
    ),
)
"""Tried in this order, before the rules for plain numbers."""
