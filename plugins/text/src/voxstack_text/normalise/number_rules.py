"""Rules for numbers, and for what is counted and measured with them."""
# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are what this is about

from __future__ import annotations

import re

from voxstack_text.normalise import numbers
from voxstack_text.normalise.rule import (
    END,
    NEAR,
    NUMBER,
    START,
    Known,
    Reading,
    Rule,
    alternatives,
    describes,
    groups,
    letters_or_word,
    rule,
)
from voxstack_text.normalise.tables import PER, UNITS, VERSIONED

_UNIT = alternatives(UNITS)
_QUOTATION = 500  # characters back in which a quotation may have begun
_YEAR_BEFORE = re.compile(
    r"(?:\b(?:in|since|by|from|until|till|before|after|around|circa|during|of|year|late|early|mid|spring|summer|autumn|fall|winter)|\()\s*$",
    re.IGNORECASE,
)
_PLURAL_AFTER = re.compile(
    r"\s+(?!(?:was|is|has|this|its|as|his|always|perhaps|us|does|yes|thus|unless|plus|census|olympics|elections)\b)[a-z]{2,}s\b"
)
_VERSIONED_BEFORE = re.compile(rf"\b(?:{alternatives(VERSIONED)}) $")
_DESCRIBED_AFTER = re.compile(r"\s(?:angle|turn|rotation|view|arc|bend|weather|heat|wind|gust|limit|zone)s?\b")
_EQUATION_AFTER = re.compile(r"[\d.,]+(?: ?[-+*/×÷] ?[\d.,]+)* ?=")


def _per(match: re.Match[str], known: Known) -> Reading:
    return f"per {PER[match['per']]}"


def _speed(match: re.Match[str], known: Known) -> Reading:
    one, more = UNITS[match["unit"].partition("/")[0]]
    per, power = PER[match["per"]], (match["power"] or "")[-1:]
    if per == "second":
        per += {"2": " squared", "3": " cubed", "": ""}[power]
    else:
        per = {"2": "square ", "3": "cubic ", "": ""}[power] + per
    return groups(
        match, number=numbers.amount(match["number"]), unit=f"{one if match['number'] == '1' else more} per {per}"
    )


def _inches(match: re.Match[str], known: Known) -> Reading:
    """The mark closes a quotation if the last one before it opens one."""
    before = match.string[max(0, match.start() - _QUOTATION) : match.start()]
    if match[0].endswith('"') and re.search(r'(?:^|[\s(])"(?!\s)[^"]*$', before):
        return None
    single = match["number"] == "1" or re.search(r"\b(?:an?|the)\s+$", before, re.IGNORECASE)
    return f"{numbers.amount(match['number'])} {'inch' if single else 'inches'}"


def _measure(match: re.Match[str], known: Known) -> Reading:
    one, more = UNITS[match["unit"]]
    described = match["unit"] in ("°", "mph") and _DESCRIBED_AFTER.match(match.string, match.end())
    single = match["number"] == "1" or match["dash"] or described or describes(match)
    return groups(match, number=numbers.amount(match["number"]), unit=one if single else more)


def _feet_and_inches(match: re.Match[str], known: Known) -> Reading:
    return f"{numbers.amount(match[1])} foot {numbers.amount(match[2])}"


def _ordinal(match: re.Match[str], known: Known) -> Reading:
    return numbers.ordinal(int(match[1].replace(",", "")))


def _fraction(match: re.Match[str], known: Known) -> Reading:
    written = match["fraction"]
    if written in ("24/7", "9/11", "50/50"):
        return numbers.amount(written[: written.index("/")]) + " " + numbers.amount(written[written.index("/") + 1 :])
    above, below = (int(part) for part in written.split("/"))
    if below < 2 or above < 1:
        return f"{numbers.cardinal(above)} slash {numbers.cardinal(below)}"
    said = numbers.fraction(above, below)
    if match["whole"]:
        return [("whole", numbers.amount(match["whole"]) + " and"), ("fraction", said.replace("one half", "a half"))]
    return said


def _release(match: re.Match[str], known: Known) -> Reading:
    before = match.string[max(0, match.start() - NEAR) : match.start()]
    return _version(match, known) if _VERSIONED_BEFORE.search(before) else None


def _version(match: re.Match[str], known: Known) -> Reading:
    said = " point ".join(numbers.amount(part) for part in match["number"].split("."))
    return f"version {said}" if match["v"] else said


def _range(match: re.Match[str], known: Known) -> Reading:
    """The first number and "to"; what is behind it, perhaps with a unit, is read by the other rules."""
    first = match["first"]
    if match["dash"].strip() == "-" and _EQUATION_AFTER.match(match.string[match.end() : match.end() + NEAR]):
        return groups(match, first=numbers.amount(first), dash="minus")
    if first == match["last"] == "50":
        return groups(match, first="fifty")
    years = len(match["last"]) in (2, 4) and re.fullmatch("1[0-9]{3}|20[0-9]{2}", first)
    return groups(match, first=numbers.year(int(first)) if years else numbers.amount(first), dash="to")


def _decade(match: re.Match[str], known: Known) -> Reading:
    value = int(match["number"])
    return numbers.plural(numbers.year(value) if value > 99 else numbers.cardinal(value))


def _year_or_count(match: re.Match[str], known: Known) -> Reading:
    text, value = match.string, int(match[0])
    dated = _YEAR_BEFORE.search(text[max(0, match.start() - NEAR) : match.start()])
    if not (1000 if dated else 1100) <= value < 2100:
        return None
    return numbers.year(value) if dated or not _PLURAL_AFTER.match(text, match.end()) else None


def _amount(match: re.Match[str], known: Known) -> Reading:
    return numbers.amount(match[0])


def _times(match: re.Match[str], known: Known) -> Reading:
    return f"{numbers.amount(match[1])} times"


def _by(match: re.Match[str], known: Known) -> Reading:
    return groups(match, first=numbers.amount(match["first"]), by="times" if match["by"] == "×" else "by")


def _ratio(match: re.Match[str], known: Known) -> Reading:
    return f"{numbers.amount(match[1])} to {numbers.amount(match[2])}"


def _mixed(match: re.Match[str], known: Known) -> Reading:
    """Letters and digits in one name: "B2B", "MP3", "4K"."""
    runs = re.findall(r"[A-Za-z]+|\d+", match[0])
    if len(runs) == 1:
        return None
    return " ".join(numbers.model_number(run) if run.isdigit() else letters_or_word(run, known) for run in runs)


def _minus(match: re.Match[str], known: Known) -> Reading:
    return "minus"


def _about(match: re.Match[str], known: Known) -> Reading:
    return "about"


RULES: tuple[Rule, ...] = (
    rule(r"(?<=[%°])[-–](?=\d)", lambda match, known: "to"),
    rule(rf"(?:(?<=\d)|(?<=\d[kKMB])|(?<=llion))/(?P<per>{alternatives(PER)})(?!\w)", _per),
    rule(
        rf"(?P<number>{NUMBER})\s?(?P<unit>(?:km|m|cm|mm|mi|ft|kg|g|mg|L|l|mL|ml|gal|J|kJ|W)/(?P<per>{alternatives(PER)})(?P<power>\^?[23])?)(?![\w/])",
        _speed,
    ),
    rule(rf"(?P<number>{NUMBER})(?:\"| in\.(?= (?:wide|long|tall|high|deep|thick|of|by|x)\b))", _inches),
    rule(rf"{START}(?P<v>(?!))?(?P<number>[1-9]\d?\.[1-9]\d){END}", _release),
    rule(rf"{START}-(?=[$£€¥]?\.?\d)(?<![\w)]-)", _minus),
    rule(r"~(?=[$£€¥]?\d)", _about),
    rule(rf"{START}(?P<v>[vV]\.?\s?)?(?P<number>\d+(?:\.\d+){{2,}})(?!\w)", _version),
    rule(rf"{START}(?P<v>[vV])(?P<number>\d+(?:\.\d+)?){END}", _version),
    rule(r"(\d{1,2})'\s?(\d{1,2})(?:\"|'')", _feet_and_inches),
    rule(r"(\d{1,3}(?:,\d{3}){1,4}|\d{1,15})(?:st|nd|rd|th)(?!\w)", _ordinal, re.IGNORECASE),
    rule(rf"{START}(?<!/)(?:(?P<whole>\d+)[ -])?(?P<fraction>\d{{1,3}}/\d{{1,4}})(?![\w/])", _fraction),
    rule(rf"{START}(?P<first>{NUMBER})(?P<dash>[-–—]| [-–—] )(?=(?P<last>{NUMBER})(?![-–,.]?\d))", _range),
    rule(r"'?(?P<number>(?:\d\d)?\d0)'?s(?!\w)", _decade),
    rule(rf"(?P<number>{NUMBER})(?P<dash>-)?\s?(?P<unit>{_UNIT})(?![\w/])", _measure),
    rule(rf"({NUMBER})[xX](?!\w)(?!\s?[-+=*/^\d])", _times),
    rule(rf"(?P<first>{NUMBER})\s?(?P<by>[xX×])(?=\s?\d)", _by),
    rule(rf"{START}(\d+):(\d+){END}", _ratio),
    rule(r"[A-Za-z\d]*\d[A-Za-z\d]*", _mixed),
    rule(rf"{START}\d{{4}}{END}", _year_or_count),
    rule(NUMBER, _amount),
)
"""Tried in this order, where a number may begin."""
