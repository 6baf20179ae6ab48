"""Rules for house numbers, postal codes and numbers that are names of rooms and roads, and the names that they know."""

from __future__ import annotations

import re

from voxstack_text.normalise import numbers
from voxstack_text.normalise.rule import END, NEAR, START, Known, Reading, Rule, alternatives, groups, rule

STATES = {
    short: name.strip()
    for short, _, name in (
        entry.strip().partition(" ")
        for entry in """
AL alabama; AK alaska; AZ arizona; AR arkansas; CA california; CO colorado; CT connecticut; DE delaware; DC D C; FL florida; GA georgia
HI hawaii; ID idaho; IL illinois; IN indiana; IA iowa; KS kansas; KY kentucky; LA louisiana; ME maine; MD maryland; MA massachusetts
MI michigan; MN minnesota; MS mississippi; MO missouri; MT montana; NE nebraska; NV nevada; NH new hampshire; NJ new jersey
NM new mexico; NY new york; NC north carolina; ND north dakota; OH ohio; OK oklahoma; OR oregon; PA pennsylvania; RI rhode island
SC south carolina; SD south dakota; TN tennessee; TX texas; UT utah; VT vermont; VA virginia; WA washington; WV west virginia
WI wisconsin; WY wyoming""".replace("\n", ";").split(";")
        if entry.strip()
    )
}
"""Read so before a postal code."""

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
"""What a house number and a name end with."""

NUMBERED = "Room Suite Apartment Apt Highway Hwy Route Rte Interstate Flight Boeing Airbus".split()
"""Words before numbers that are read like names: "Room 101", "Boeing 747"."""

_NUMBERED_BEFORE = re.compile(rf"\b(?:{alternatives(NUMBERED)})\.? $")
_STREET_NAME = rf"(?:(?:[A-Z][a-z]+|\d+(?:st|nd|rd|th)) ){{1,3}}(?:{alternatives(STREETS)})(?!\w)"
_HOUSE_DIRECTION = rf"(?:(?P<direction>(?:{alternatives(DIRECTIONS)})\b\.?) )?"


def _house(match: re.Match[str], known: Known) -> Reading:
    direction = DIRECTIONS[match["direction"].rstrip(".")] if match["direction"] else ""
    return groups(match, house=numbers.model_number(match["house"]), direction=direction)


def _postal(match: re.Match[str], known: Known) -> Reading:
    code = numbers.digits(match["code"]).replace("zero", "oh")
    return groups(
        match, state=STATES[match["state"]], code=code, more=numbers.digits(match["more"] or "").replace("zero", "oh")
    )


def _named(match: re.Match[str], known: Known) -> Reading:
    if not _NUMBERED_BEFORE.search(match.string[max(0, match.start() - NEAR) : match.start()]):
        return None
    return numbers.model_number(match[0])


RULES: tuple[Rule, ...] = (
    rule(rf"{START}(?P<house>\d{{3,4}}) {_HOUSE_DIRECTION}(?={_STREET_NAME})", _house),
    rule(rf"(?<=[,a-z] )(?P<state>{alternatives(STATES)}) (?P<code>\d{{5}})(?:-(?P<more>\d{{4}}))?(?![\w-])", _postal),
    rule(rf"{START}\d{{3,4}}{END}", _named),
    rule(rf"(?<![\w-][A-Z]-)(?<=[A-Z]-)\d{{3}}{END}", lambda match, known: numbers.model_number(match[0])),
)
"""Tried in this order, before the rules for plain numbers."""
