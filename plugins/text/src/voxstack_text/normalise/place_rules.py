"""Rules for house numbers, postal codes and numbers in names of rooms and roads, and the names of states."""

from __future__ import annotations

import re

from voxstack_text.normalise import numbers
from voxstack_text.normalise.rule import (
    NUMBER_END,
    NUMBER_START,
    IsKnown,
    Reading,
    Rule,
    alternatives,
    by_group,
    rule,
    text_before,
)

STATES = {
    short: name.strip()
    for short, _, name in (
        entry.strip().partition(" ")
        for entry in """
AL alabama; AK alaska; AZ arizona; AR arkansas; CA california; CO colorado; CT connecticut; DE delaware; DC D C
FL florida; GA georgia
HI hawaii; ID idaho; IL illinois; IN indiana; IA iowa; KS kansas; KY kentucky; LA louisiana; ME maine
MD maryland; MA massachusetts
MI michigan; MN minnesota; MS mississippi; MO missouri; MT montana; NE nebraska; NV nevada; NH new hampshire
NJ new jersey
NM new mexico; NY new york; NC north carolina; ND north dakota; OH ohio; OK oklahoma; OR oregon; PA pennsylvania
RI rhode island
SC south carolina; SD south dakota; TN tennessee; TX texas; UT utah; VT vermont; VA virginia; WA washington
WV west virginia
WI wisconsin; WY wyoming""".replace("\n", ";").split(";")
        if entry.strip()
    )
}
"""Names of states, by the abbreviations before a postal code."""

DIRECTIONS = {
    "N": "north",
    "S": "south",
    "E": "east",
    "W": "west",
    "NE": "northeast",
    "NW": "northwest",
    "SE": "southeast",
    "SW": "southwest",
}
STREETS = "St Street Ave Avenue Rd Road Blvd Boulevard Dr Drive Ln Lane Ct Terrace Parkway Pkwy Sq".split()
"""Last words of an address that begins with a house number."""

ENDINGS = {"Ct": "court", "Pl": "place", "Ter": "terrace", "Cir": "circle", "Trl": "trail", "Hts": "heights"}
"""Last words of streets by their abbreviations, after a name."""

NUMBERED = "Rm Ste Bldg Room Suite Apartment Apt Highway Hwy Route Rte Interstate Flight Boeing Airbus".split()
"""Words before numbers that are read as model numbers: "Room 101", "Boeing 747"."""

_DIGITS_BEFORE = re.compile(
    r"\b(?:PIN|CVV|CVC|pin|OTP|[Cc]ode|[Pp]asscode|[Pp]assword|[Ss]erial(?: number)?|[Aa]ccount(?: number)?"
    r"|ZIP|[Zz]ip|SSN|ISBN"
    r"|end(?:s|ing)(?: in| with)?|[Aa]rea code"
    r"|[Oo]rder(?: number| no\.?)|[Tt]racking(?: number)?"
    r"|[Cc]onfirmation(?: number| code)?"
    r"|[Cc]ase number|[Rr]eference(?: number)?|ID|[Ii]nvoice(?: number| no\.?)|[Pp]hone(?: number)?"
    r"|last four(?: digits)?|[Tt]icket(?: number)|[Pp]olicy number|[Rr]outing number|digits)"
    r"(?:\s(?:is|are|was|of)|:|\s?#)?\s+#?$"
)
_NAME_BEFORE = re.compile(r"(?:\b[A-Z][a-z]+|\d(?:st|nd|rd|th)) $")
_NUMBERED_BEFORE = re.compile(rf"\b(?:{alternatives(NUMBERED)})\.? $")
_STREET_NAME = rf"(?:(?:[A-Z][a-z]+|\d+(?:st|nd|rd|th)) ){{1,3}}(?:{alternatives(STREETS)})(?!\w)"
_HOUSE_DIRECTION = rf"(?:(?P<direction>(?:{alternatives(DIRECTIONS)})\b\.?) )?"


def _house(match: re.Match[str], is_known: IsKnown) -> Reading:
    direction = DIRECTIONS[match["direction"].rstrip(".")] if match["direction"] else ""
    return by_group(match, house=numbers.model_number(match["house"]), direction=direction)


def _ending(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read "Elm Ct." and "Park Pl"."""
    return ENDINGS[match["kind"]] if _NAME_BEFORE.search(text_before(match)) else None


def _postal(match: re.Match[str], is_known: IsKnown) -> Reading:
    code = numbers.digits(match["code"]).replace("zero", "oh")
    return by_group(
        match, state=STATES[match["state"]], code=code, more=numbers.digits(match["more"] or "").replace("zero", "oh")
    )


def _numbered_name(match: re.Match[str], is_known: IsKnown) -> Reading:
    if not _NUMBERED_BEFORE.search(text_before(match)):
        return None
    return numbers.model_number(match[0])


def _digit_string(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read the digits one by one after a word such as "PIN", "code" or "ending in"."""
    if not _DIGITS_BEFORE.search(text_before(match)):
        return None
    return numbers.digit_groups(match[0])


def _card(match: re.Match[str], is_known: IsKnown) -> Reading:
    return numbers.digit_groups(match[0])


def _model_number(match: re.Match[str], is_known: IsKnown) -> Reading:
    return numbers.model_number(match[0])


RULES: tuple[Rule, ...] = (
    rule(rf"{NUMBER_START}(?P<house>\d{{1,2}}) (?P<direction>[NSEW]\.) (?={_STREET_NAME})", _house),
    rule(rf"(?:(?<=[a-z] )|(?<=\d(?:st|nd|rd|th) ))(?P<kind>{alternatives(ENDINGS)})(?:\.|(?![\w']))", _ending),
    rule(rf"{NUMBER_START}(?P<house>\d{{3,4}}) {_HOUSE_DIRECTION}(?={_STREET_NAME})", _house),
    rule(rf"(?<=[,a-z] )(?P<state>{alternatives(STATES)}) (?P<code>\d{{5}})(?:-(?P<more>\d{{4}}))?(?![\w-])", _postal),
    rule(rf"{NUMBER_START}\d{{3,4}}{NUMBER_END}", _numbered_name),
    rule(rf"{NUMBER_START}\d{{4}}(?:[ -]\d{{4}}){{3}}(?![\w-])(?! \d)", _card),
    rule(rf"{NUMBER_START}\d{{4}}[ -]\d{{6}}[ -]\d{{5}}(?![\w-])", _card),
    rule(rf"{NUMBER_START}\d{{3}}-\d{{2}}-\d{{4}}(?![\w-])", _card),
    rule(rf"{NUMBER_START}\d+(?:[ -]\d+)*(?![\w-]){NUMBER_END}", _digit_string),
    rule(r"(?:(?<=[Ee]xt\. )|(?<=[Ee]xt )|(?<=[Ee]xtension ))\d{3,}(?!\w)", _card),
    rule(rf"(?<![\w-][A-Z]-)(?<=[A-Z]-)\d{{3}}{NUMBER_END}", _model_number),
)
"""Tried in this order, before the rules for plain numbers."""
