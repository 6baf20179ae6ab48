"""Rules for times of day and durations."""

from __future__ import annotations

import re

from voxstack_text.normalise import numbers
from voxstack_text.normalise.rule import NUMBER_START, IsKnown, Reading, Rule, is_attributive, rule, text_before

_COMPONENT = r"\d+ ?(?:days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)(?![A-Za-z])"
_DURATION_UNITS = {"d": "day", "h": "hour", "m": "minute", "s": "second", "": ""}
_TIME_AFTER = re.compile(
    r"\s(?:left|remaining|ago|later|late|early|read|to go|old|video|call|break|walk away|timer|delay|session|meeting)\b"
)
_DAYS_BEFORE = re.compile(r"\b(?:in|for|within|every|last|next|took|takes|after) $")
_TIME_BEFORE = re.compile(
    r"\b(?:[Tt]ime|[Dd]uration|[Ll]ength|took|takes?|lasted|lasts?|wait(?:ed)?|waiting|[Uu]ptime|[Ee][Tt][Aa]|every)"
    r"(?: of| for|:)?\s+$"
)
_HALF = r"(?P<half>[aApP](?:\.\s?[mM]\.|[mM](?!\w)))"


def _military(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read "0900" and "1430 hours" as times."""
    hour, minute = int(match["hour"]), int(match["minute"])
    if hour > 24 or minute > 59:
        return None
    spoken = f"{'oh ' if hour < 10 else ''}{numbers.cardinal(hour)}"
    if minute == 0:
        return f"{spoken} hundred"
    return f"{spoken} {'oh ' if minute < 10 else ''}{numbers.cardinal(minute)}"


def _time(match: re.Match[str], is_known: IsKnown) -> Reading:
    hour, minute, second = int(match["hour"]), int(match["minute"]), match["second"]
    if hour > 24 or minute > 59:
        return None
    half = f" {_half(match['half'])}" if match["half"] else ""
    spoken = numbers.cardinal(hour)
    if minute:
        spoken += f" {'oh ' if minute < 10 else ''}{numbers.cardinal(minute)}"
    elif not half:
        spoken += " o'clock" if 1 <= hour <= 12 else " hundred"
    if second:
        spoken += f" and {numbers.cardinal(int(second))} second{'s' * (int(second) != 1)}"
    return spoken + half


def _duration(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read "2h 34m", "1h30m" and "2h30": components from the longest unit to the shortest."""
    parts = re.findall(r"(\d+) ?([dhms]?)", match[0])
    if [unit for _, unit in parts if unit] != sorted({unit for _, unit in parts if unit}, key="dhms".index):
        return None
    single = is_attributive(match)
    spoken = []
    for value, unit in parts:
        name = _DURATION_UNITS[unit]
        spoken.append(
            f"{numbers.cardinal(int(value))} {name}{'s' * (bool(name) and value != '1' and not single)}".rstrip()
        )
    return " ".join(spoken)


def _minutes(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read "56m remaining" and "took 5m", where "m" is no meter."""
    after = _TIME_AFTER.match(match.string, match.end())
    if not after and not _TIME_BEFORE.search(text_before(match)):
        return None
    return f"{numbers.amount(match['number'])} minute{'s' * (match['number'] != '1')}"


def _days(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read "in 3d" and "5d ago"; "3d" alone is three dimensions."""
    if not _DAYS_BEFORE.search(text_before(match)) and not _TIME_AFTER.match(match.string, match.end()):
        return None
    return f"{numbers.amount(match['number'])} day{'s' * (match['number'] != '1')}"


def _hour(match: re.Match[str], is_known: IsKnown) -> Reading:
    return f"{numbers.cardinal(int(match['hour']))} {_half(match['half'])}" if int(match["hour"]) <= 12 else None


def _half(written: str) -> str:
    return f"{written[0].upper()} M"


RULES: tuple[Rule, ...] = (
    rule(rf"{NUMBER_START}(?:{_COMPONENT},? ?){{1,4}}(?:{_COMPONENT}|(?<=h)\d\d)(?![\w/])", _duration),
    rule(rf"{NUMBER_START}(?P<number>\d+)m(?![\w/])", _minutes),
    rule(rf"{NUMBER_START}(?P<number>\d+)d(?![\w/])", _days),
    rule(
        r"(?:(?<=\bat )|(?<=\bby )|(?<=\bthe )|(?<=\buntil )|(?<=\bfrom ))"
        r"(?P<hour>0\d)(?P<minute>\d{2})(?![\w,.]\d|\w)",
        _military,
    ),
    rule(rf"{NUMBER_START}(?P<hour>[0-2]\d):?(?P<minute>[0-5]\d)(?=\s?(?:hours|hrs|h)\b)", _military),
    rule(
        rf"{NUMBER_START}(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})(?::(?P<second>\d{{2}}))?(?:\s?{_HALF})?(?![\w:])",
        _time,
    ),
    rule(rf"{NUMBER_START}(?P<hour>\d{{1,2}})\s?{_HALF}", _hour),
)
"""Tried in this order, after the rules for dates."""
