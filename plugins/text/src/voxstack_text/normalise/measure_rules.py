"""Rules for what is measured: numbers with units."""

from __future__ import annotations

import re

from voxstack_text.normalise import numbers
from voxstack_text.normalise.rule import (
    NUMBER,
    NUMBER_START,
    IsKnown,
    Reading,
    Rule,
    alternatives,
    by_group,
    is_attributive,
    rule,
    text_before,
)
from voxstack_text.normalise.units import PER, UNITS

_PER = alternatives(PER)
_SYMBOL = rf"(?:{alternatives(unit for unit in UNITS if not (unit.isascii() and unit.isalpha()))}|[A-Za-zμΩ]{{1,5}})"
"""An abbreviation that may be one of a unit."""

_QUOTATION = 500  # characters back in which an open quotation is looked for
_TEMPERATURE_BEFORE = re.compile(
    r"\b(?:at|to|of|is|was|about|around|below|above|oven|bake|roast|heat|temp|temperature|reached|hit)\s+$",
    re.IGNORECASE,
)
_POWER_BEFORE = re.compile(r"\b10\^-?\d+ $")
_NAMED_BEFORE = re.compile(
    r"\b(?:Room|Page|page|Section|Flight|Gate|Seat|Row|Chapter|Unit"
    r"|Apt\.?|Suite|Line|Route|Highway|Figure|Table|Step|Platform) $"
)
_TYPE_AFTER = re.compile(r"\s(?:font|type|text|size|line|Arial|Times|Helvetica)\b")
_DESCRIBED_AFTER = re.compile(r"\s(?:angle|turn|rotation|view|arc|bend|weather|heat|wind|gust|limit|zone)s?\b")


def _per(match: re.Match[str], is_known: IsKnown) -> Reading:
    return f"per {PER[match['per']]}"


def _per_unit(match: re.Match[str], is_known: IsKnown) -> Reading:
    return UNITS[match[0]][0] if match[0] in UNITS else None


def _unit_of_power(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read the unit of "5 × 10⁻⁷ m"."""
    return UNITS[match[0]][1] if _POWER_BEFORE.search(text_before(match)) and match[0] in UNITS else None


def _rate(match: re.Match[str], is_known: IsKnown) -> Reading:
    if match["unit"] not in UNITS:
        return None
    singular, plural = UNITS[match["unit"]]
    if match["count"]:
        count = f"per {numbers.amount(match['count'])} {UNITS[match['per']][1]}" if match["per"] in UNITS else ""
        return f"{numbers.amount(match['number'])} {plural} {count}" if count else None
    per, power = PER[match["per"]], (match["power"] or "")[-1:]
    if per == "second":
        per += {"2": " squared", "3": " cubed", "": ""}[power]
    else:
        per = {"2": "square ", "3": "cubic ", "": ""}[power] + per
    unit = f"{singular if match['number'] == '1' or match['dash'] else plural}"
    rate = f"per {per}" + (f" per {PER[match['second']]}" if match["second"] else "")
    return by_group(match, number=numbers.amount(match["number"]), unit=unit, rate=rate)


def _inches(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read inches, unless the quotation mark closes a quotation: then the last mark before it opens one."""
    before = text_before(match, _QUOTATION)
    if match[0].endswith('"') and re.search(r'(?:^|[\s(])"(?!\s)[^"]*$', before):
        return None
    single = match["number"] == "1" or re.search(r"\b(?:an?|the)\s+$", before, re.IGNORECASE)
    return f"{numbers.amount(match['number'])} {'inch' if single else 'inches'}"


def _measure(match: re.Match[str], is_known: IsKnown) -> Reading:
    if match["unit"] not in UNITS:
        return None
    if len(match["unit"]) == 1 and _NAMED_BEFORE.search(text_before(match)):
        return None
    singular, plural = UNITS[match["unit"]]
    if match["unit"] == "pt" and _TYPE_AFTER.match(match.string, match.end()):
        singular, plural = "point", "point"
    described = match["unit"] in ("°", "mph") and _DESCRIBED_AFTER.match(match.string, match.end())
    single = match["number"] == "1" or match["dash"] or described or is_attributive(match)
    return by_group(match, number=numbers.amount(match["number"]), unit=singular if single else plural)


def _feet_and_inches(match: re.Match[str], is_known: IsKnown) -> Reading:
    return f"{numbers.amount(match[1])} foot {numbers.amount(match[2])}"


def _feet_inches(match: re.Match[str], is_known: IsKnown) -> Reading:
    feet, inches = match["feet"], match["inches"]
    return (
        f"{numbers.amount(feet)} {'foot' if feet == '1' else 'feet'} "
        f"{numbers.amount(inches)} {'inch' if inches == '1' else 'inches'}"
    )


def _degrees(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read a temperature without a degree sign, where its number and the words before it can be one."""
    scale = {"F": "fahrenheit", "C": "celsius"}[match["scale"]]
    hot = match["scale"] == "F" and 100 <= float(numbers.plain(match["number"])) <= 600
    if not hot and not _TEMPERATURE_BEFORE.search(text_before(match)):
        return None
    return f"{numbers.amount(match['number'])} degree{'s' * (match['number'] != '1')} {scale}"


RULES: tuple[Rule, ...] = (
    rule(r"(?<=[a-z]s)/(?P<per>min|sec|hr|day|week|month|year|wk|yr|s|h)(?!\w)", _per),
    rule(r"(?<=per )[A-Za-zμ]{1,4}(?!\w)", _per_unit),
    rule(r"(?<=\d )[A-Za-zμΩ]{1,5}(?![\w/'])", _unit_of_power),
    rule(rf"(?:(?<=\d)|(?<=\d[kKMB])|(?<=llion))/(?P<per>{_PER})(?!\w)", _per),
    rule(
        rf"(?=[^/\n]{{2,24}}/)(?P<number>{NUMBER})(?P<dash>-)?\s?(?P<unit>{_SYMBOL})"
        rf"(?P<rate>/(?:(?P<count>\d+) ?)?(?P<per>{_PER})"
        rf"(?P<power>\^?[23])?(?:/(?P<second>{_PER}))?)(?![\w/])",
        _rate,
    ),
    rule(rf"(?P<number>{NUMBER})(?:\"| in\.(?= (?:wide|long|tall|high|deep|thick|of|by|x)\b))", _inches),
    rule(rf"{NUMBER_START}(?P<feet>\d{{1,2}}) ?ft\.? (?P<inches>{NUMBER}) ?in(?![\w])\.?", _feet_inches),
    rule(rf"{NUMBER_START}(?P<number>\d{{1,3}}(?:\.\d)?) ?(?P<scale>[FC])(?![\w'°.]\w|\w)", _degrees),
    rule(r"(\d{1,2})'\s?(\d{1,2})(?:\"|'')", _feet_and_inches),
    rule(rf"(?P<number>{NUMBER})(?P<dash>-)?\s?(?P<unit>{_SYMBOL})(?![\w/])(?:\.(?=\s+[a-z]))?", _measure),
)
"""Tried in this order, after those for ranges and decades, before those for plain numbers."""
