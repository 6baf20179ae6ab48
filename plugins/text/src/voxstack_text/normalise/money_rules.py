"""Rules for amounts of money, and the currencies that they know."""
# ruff: noqa: RUF001 -- dashes that look alike are what this is about

from __future__ import annotations

import re

from voxstack_text.normalise import numbers
from voxstack_text.normalise.rule import END, NUMBER, Known, Reading, Rule, alternatives, describes, groups, rule

CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "US$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "", ""),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "C$": ("canadian dollar", "canadian dollars", "cent", "cents"),
    "A$": ("australian dollar", "australian dollars", "cent", "cents"),
}
CURRENCY_CODES = {
    "USD": ("U S dollar", "U S dollars"),
    "EUR": ("euro", "euros"),
    "GBP": ("pound", "pounds"),
    "JPY": ("yen", "yen"),
    "AUD": ("australian dollar", "australian dollars"),
    "CNY": ("yuan", "yuan"),
}
MAGNITUDES = {
    "thousand": "thousand",
    "million": "million",
    "billion": "billion",
    "trillion": "trillion",
    "k": "thousand",
    "K": "thousand",
    "m": "million",
    "mn": "million",
    "M": "million",
    "bn": "billion",
    "B": "billion",
    "T": "trillion",
}

_SIGN = alternatives(CURRENCIES)
_MAGNITUDE = alternatives(MAGNITUDES)


def _money(match: re.Match[str], known: Known) -> Reading:
    one, more, cent, cents = CURRENCIES[match["sign"]]
    if describes(match) and (match["magnitude"] or "." not in match["number"]):
        more = one
    value = match["number"]
    if match["to"]:
        return f"{numbers.amount(value)} to {numbers.amount(match['to'])} {more}"
    if match["magnitude"]:
        return f"{numbers.amount(value)} {MAGNITUDES[match['magnitude']]} {more}"
    whole, _, parts = value.replace(",", "").partition(".")
    if not parts or len(parts) != 2 or not cent:
        return f"{numbers.amount(value)} {one if value == '1' else more}"
    said = [f"{numbers.amount(whole)} {one if whole == '1' else more}"] if whole.strip("0") else []
    if int(parts):
        said.append(f"{numbers.cardinal(int(parts))} {cent if int(parts) == 1 else cents}")
    return " and ".join(said) or f"zero {more}"


def _money_behind(match: re.Match[str], known: Known) -> Reading:
    value = match["number"]
    one, more = ("cent", "cents") if match["sign"] == "¢" else CURRENCIES[match["sign"]][:2]
    return f"{numbers.amount(value)} {one if value == '1' else more}"


def _money_from(match: re.Match[str], known: Known) -> Reading:
    """The first amount and "to"; the second is read with the currency."""
    return groups(match, first=numbers.amount(match["first"]), dash="to")


def _code(match: re.Match[str], known: Known) -> Reading:
    one, more = CURRENCY_CODES[match["code"]]
    return f"{numbers.amount(match['number'])} {one if match['number'] == '1' else more}"


RULES: tuple[Rule, ...] = (
    rule(rf"(?P<sign>{_SIGN})(?P<first>{NUMBER})(?P<dash>[-–])(?=(?P=sign)\d)", _money_from),
    rule(rf"(?P<number>{NUMBER}) (?P<code>{alternatives(CURRENCY_CODES)})(?!\w)", _code),
    rule(rf"(?P<code>{alternatives(CURRENCY_CODES)}) (?P<number>{NUMBER}){END}", _code),
    rule(
        rf"(?P<sign>{_SIGN})\s?(?P<number>{NUMBER})(?:[-–](?P<to>{NUMBER})(?=\s|$|[,;.!?)]))?(?:[\s-]?(?P<magnitude>{_MAGNITUDE})(?!\w))?{END}",
        _money,
    ),
    rule(rf"(?P<number>{NUMBER})\s?(?P<sign>[€¢£]){END}", _money_behind),
)
"""Tried in this order, before the rules for plain numbers."""
