"""Rules for dates, times of day and telephone numbers, and the names of months and days."""
# ruff: noqa: RUF001 -- dashes that look alike are the subject here

from __future__ import annotations

import re

from voxstack_text.normalise import numbers
from voxstack_text.normalise.rule import (
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

MONTHS = "january february march april may june july august september october november december".split()
MONTH_FORMS = {form: month for month in MONTHS for form in (month.capitalize(), month[:3].capitalize())} | {
    "Sept": "september"
}
WEEKDAY_FORMS = {
    "Mon": "monday",
    "Tue": "tuesday",
    "Tues": "tuesday",
    "Wed": "wednesday",
    "Thu": "thursday",
    "Thur": "thursday",
    "Thurs": "thursday",
    "Fri": "friday",
    "Sat": "saturday",
    "Sun": "sunday",
}

_COUNTED = re.compile(r" (?:people|men|women|children|[a-z]{3,}(?<!s)s)\b(?!')")
_NAME_AFTER = re.compile(r" [A-Z][a-z]+")
_SPAN_BEFORE = re.compile(r"\b(?:In|By|Since|During|Until|Before|After|in|by|since|during)\s+$")
_MONTH = rf"(?P<month>(?:{alternatives(MONTH_FORMS)})(?![a-z])\.?)"
_DAY = r"(?P<day>(?:[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?)(?!\d|:|\.\d|,\d|/)"
_YEAR = r"(?P<year>[12]\d{3})(?!\w|,\d|\.\d)"


def _month_day(match: re.Match[str], is_known: IsKnown) -> Reading:
    counts = match["day"].isdigit() and not match["year"] and _COUNTED.match(match.string, match.end())
    if counts and _SPAN_BEFORE.search(text_before(match)):
        return None  # "In May 20 soldiers"
    last = f"to {_day(match['last'])}" if match["last"] else ""
    return by_group(match, month=_month(match["month"]), day=_day(match["day"]), last=last, year=_year(match["year"]))


def _day_month(match: re.Match[str], is_known: IsKnown) -> Reading:
    if len(match["month"]) == 3 and not match["year"] and _NAME_AFTER.match(match.string, match.end()):
        return None  # "3 Jan Smith tickets"
    article = "" if re.search(r"\bthe\s+$", text_before(match), re.IGNORECASE) else "the "
    day = f"{article}{_day(match['day'])} of"
    return by_group(match, day=day, month=_month(match["month"]), year=_year(match["year"]))


def _month_year(match: re.Match[str], is_known: IsKnown) -> Reading:
    return by_group(match, month=_month(match["month"]), year=_year(match["year"]))


def _numeric(match: re.Match[str], is_known: IsKnown) -> Reading:
    month, day, year = int(match["month"]), int(match["day"]), int(match["year"])
    if month > 12 >= day:
        month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    if year < 100:
        year += 2000 if year < 50 else 1900
    return f"{MONTHS[month - 1]} {numbers.ordinal(day)} {numbers.year(year)}"


def _year_month(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read "12/2024" and "1990-12"."""
    month = int(match["month"])
    return f"{MONTHS[month - 1]} {numbers.year(int(match['year']))}" if 1 <= month <= 12 else None


def _timestamp(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read an ISO 8601 date with a time: the date, a pause, the time on a clock of 24 hours."""
    date = _numeric(match, is_known)
    hour, minute = int(match["hour"]), int(match["minute"])
    if not isinstance(date, str) or hour > 24 or minute > 59:
        return None
    if minute:
        spoken = f"{numbers.cardinal(hour)} {'oh ' if minute < 10 else ''}{numbers.cardinal(minute)}"
    else:
        spoken = numbers.cardinal(hour) + (" o'clock" if 1 <= hour <= 12 else " hundred")
    second, zone = int(match["second"] or 0), match["zone"]
    if second:
        spoken += f" and {numbers.cardinal(second)} second{'s' * (second != 1)}"
    if zone:
        hours, minutes = int(zone[1:3]), int(zone[-2:])
        rest = f" {numbers.cardinal(minutes)}" if minutes else ""
        spoken += f" , U T C {'plus' if zone[0] == '+' else 'minus'} {numbers.cardinal(hours)}{rest}"
    return f"{date} , {spoken}"


def _month(written: str) -> str:
    return MONTH_FORMS[written.rstrip(".")]


def _day(written: str) -> str:
    return numbers.ordinal(int(written.rstrip("stndrh")))


def _year(written: str | None) -> str:
    return numbers.year(int(written)) if written else ""


def _weekday(match: re.Match[str], is_known: IsKnown) -> Reading:
    return WEEKDAY_FORMS[match[1]]


def _weekdays(match: re.Match[str], is_known: IsKnown) -> Reading:
    return by_group(match, first=f"{WEEKDAY_FORMS[match['first']]} to", last=WEEKDAY_FORMS[match["last"]])


def _short_month(match: re.Match[str], is_known: IsKnown) -> Reading:
    return MONTH_FORMS[match[1]]


def _telephone(match: re.Match[str], is_known: IsKnown) -> Reading:
    spoken = numbers.digit_groups(match[0])
    return f"plus {spoken}" if match[0].startswith("+") else spoken


def _freephone(match: re.Match[str], is_known: IsKnown) -> Reading:
    return f"one {numbers.cardinal(int(match['prefix']))}"


def _international(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read "+33 1 42 68 53 00"; "+12.50" is a number."""
    return _telephone(match, is_known) if sum(map(str.isdigit, match[0])) > 6 else None


def _short_number(match: re.Match[str], is_known: IsKnown) -> Reading:
    return numbers.digits(match[0])


def _era_year(match: re.Match[str], is_known: IsKnown) -> Reading:
    return numbers.year(int(match[0]))


def _letters(match: re.Match[str], is_known: IsKnown) -> Reading:
    return " ".join(match[0])


RULES: tuple[Rule, ...] = (
    rule(rf"{NUMBER_START}(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}})(?![\w-])(?!T\d| \d\d:)", _numeric),
    rule(rf"{NUMBER_START}(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})/(?P<year>\d{{4}}|\d{{2}})(?![\w/])", _numeric),
    rule(
        rf"{NUMBER_START}(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}})[T ](?P<hour>\d{{2}}):(?P<minute>\d{{2}})"
        r"(?::(?P<second>\d{2})(?:[.,]\d+)?)?(?: ?Z|(?P<zone>[-+−]\d{2}:?\d{2}))?(?![\w:])",
        _timestamp,
    ),
    rule(
        rf"{NUMBER_START}(?P<year>(?:19|20)\d{{2}})(?P<month>\d{{2}})(?P<day>\d{{2}})"
        r"T(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?Z?(?P<zone>(?!))?(?!\w)",
        _timestamp,
    ),
    rule(
        rf"{NUMBER_START}(?P<month>\d{{1,2}})(?P<mark>[-.])(?P<day>\d{{1,2}})(?P=mark)"
        r"(?P<year>(?:1\d|20)\d{2})(?![\w-]|\.\d)",
        _numeric,
    ),
    rule(
        rf"{NUMBER_START}(?P<year>(?:19|20)\d{{2}})(?P<mark>[/.])(?P<month>\d{{1,2}})(?P=mark)"
        r"(?P<day>\d{1,2})(?![\w/-]|\.\d)",
        _numeric,
    ),
    rule(
        rf"{NUMBER_START}(?P<day>\d{{1,2}})-(?P<month>{alternatives(MONTH_FORMS)})-(?P<year>[12]\d{{3}})(?!\w)",
        _day_month,
    ),
    rule(rf"{NUMBER_START}(?P<month>\d{{1,2}})/(?P<year>(?:19|20)\d{{2}})(?![\w/])", _year_month),
    rule(rf"{NUMBER_START}(?P<year>(?:19|20)\d{{2}})-(?P<month>0[1-9]|1[0-2])(?![\w-])", _year_month),
    rule(
        rf"{_MONTH} {_DAY}(?:[-–](?P<last>(?:[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?)(?![\w-]))?"
        rf"(?:,? {_YEAR})?(?![a-zA-Z])",
        _month_day,
    ),
    rule(rf"{NUMBER_START}{_DAY} (?:of )?{_MONTH}(?:,? {_YEAR})?", _day_month),
    rule(rf"{_MONTH},? {_YEAR}", _month_year),
    rule(r"(Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)\.", _short_month),
    rule(rf"({alternatives(WEEKDAY_FORMS)})\.", _weekday),
    rule(
        rf"(?P<first>{alternatives(WEEKDAY_FORMS)})\.?[-–](?P<last>{alternatives(WEEKDAY_FORMS)})(?![a-z])\.?",
        _weekdays,
    ),
    rule(rf"(Sat|Sun)(?=,? (?:{alternatives(MONTH_FORMS)})\.? \d)", _weekday),
    rule(rf"{NUMBER_START}\d{{3,4}}(?= (?:AD|BCE?|CE|A\.D\.|B\.C\.)(?!\w))", _era_year),
    rule(r"(?:(?<=[aApP][mM] )|(?<=[mM]\. ))[ECMP]T(?![\w.])", _letters),
    rule(r"(?:AD|BC)(?= \d)|(?<=\d )(?:AD|BC)(?!\w)", _letters),
    rule(r"(?:(?<=:\d\d)|(?<=\d[ap]m)|(?<=\d[AP]M)|(?<=[ap]\.m\.))[-–](?=\d{1,2}(?!\d))", always("to")),
    rule(
        r"(?:(?<=[Cc]all )|(?<=[Dd]ial )|(?<=[Cc]alled )|(?<=[Dd]ialed ))(?:[2-9]11|988)(?![\w,.]\d|\w| [a-z]+s\b)",
        _short_number,
    ),
    rule(r"(Mon|Tues|Tue|Wed|Thurs|Thur|Thu|Fri)(?!\w|')(?! [a-z])", _weekday),
    rule(rf"{NUMBER_START}\+\d{{1,3}}(?:[ .-]?\(?\d{{1,4}}\)?){{2,6}}(?![\w-])", _international),
    rule(rf"{NUMBER_START}(?:1[ .-])?(?:\(\d{{3}}\) ?|\d{{3}}[-. ])\d{{3}}[-.]\d{{4}}(?![\w-])", _telephone),
    rule(rf"{NUMBER_START}(?:1 )?[2-9]\d\d \d{{3}} \d{{4}}(?![\w-])(?! \d)", _telephone),
    rule(rf"{NUMBER_START}\d{{3}}-\d{{4}}(?![\w-])", _telephone),
    rule(r"\(\d{3}\)(?= ?[A-Z]{4})", _telephone),
    rule(rf"{NUMBER_START}1-(?P<prefix>[89]\d\d)-(?=[A-Z\d]*[A-Z]{{3}})", _freephone),
)
"""Tried in this order, before the rules for plain numbers."""
