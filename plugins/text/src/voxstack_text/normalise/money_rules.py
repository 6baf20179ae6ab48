"""Rules for amounts of money, and the names of currencies."""
# ruff: noqa: RUF001 -- dashes that look alike are the subject here

from __future__ import annotations

import re

from voxstack_text.normalise import numbers
from voxstack_text.normalise.rule import (
    NUMBER,
    NUMBER_END,
    IsKnown,
    Reading,
    Rule,
    alternatives,
    by_group,
    is_attributive,
    rule,
)

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
"""By sign: singular and plural of the currency and of its hundredth; yen have no hundredth."""

CURRENCY_CODES = {
    "USD": ("U S dollar", "U S dollars"),
    "EUR": ("euro", "euros"),
    "GBP": ("pound", "pounds"),
    "JPY": ("yen", "yen"),
    "AUD": ("australian dollar", "australian dollars"),
    "CNY": ("yuan", "yuan"),
}
"""By ISO code: singular and plural."""

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


def _money(match: re.Match[str], is_known: IsKnown) -> Reading:
    singular, plural, cent, cents = CURRENCIES[match["sign"]]
    if is_attributive(match) and (match["magnitude"] or "." not in match["number"]):
        plural = singular
    value = match["number"]
    if match["to"]:
        return f"{numbers.amount(value)} to {numbers.amount(match['to'])} {plural}"
    if match["magnitude"]:
        return f"{numbers.amount(value)} {MAGNITUDES[match['magnitude']]} {plural}"
    whole, _, parts = value.replace(",", "").partition(".")
    if not parts or len(parts) != 2 or not cent:
        return f"{numbers.amount(value)} {singular if value == '1' else plural}"
    spoken = [f"{numbers.amount(whole)} {singular if whole == '1' else plural}"] if whole.strip("0") else []
    if int(parts):
        spoken.append(f"{numbers.cardinal(int(parts))} {cent if int(parts) == 1 else cents}")
    return " and ".join(spoken) or f"zero {plural}"


def _sign_after_number(match: re.Match[str], is_known: IsKnown) -> Reading:
    value = match["number"]
    singular, plural = ("cent", "cents") if match["sign"] == "¢" else CURRENCIES[match["sign"]][:2]
    return f"{numbers.amount(value)} {singular if value == '1' else plural}"


def _range_start(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read the first amount and "to"; the second amount is read with the currency by another rule."""
    return by_group(match, first=numbers.amount(match["first"]), dash="to")


def _code(match: re.Match[str], is_known: IsKnown) -> Reading:
    singular, plural = CURRENCY_CODES[match["code"]]
    return f"{numbers.amount(match['number'])} {singular if match['number'] == '1' else plural}"


RULES: tuple[Rule, ...] = (
    rule(rf"(?P<sign>{_SIGN})(?P<first>{NUMBER})(?P<dash>[-–])(?=(?P=sign)\d)", _range_start),
    rule(rf"(?P<number>{NUMBER}) (?P<code>{alternatives(CURRENCY_CODES)})(?!\w)", _code),
    rule(rf"(?P<code>{alternatives(CURRENCY_CODES)}) (?P<number>{NUMBER}){NUMBER_END}", _code),
    rule(
        rf"(?P<sign>{_SIGN})\s?(?P<number>{NUMBER})(?:[-–](?P<to>{NUMBER})(?=\s|$|[,;.!?)]))?"
        rf"(?:[\s-]?(?P<magnitude>{_MAGNITUDE})(?!\w))?{NUMBER_END}",
        _money,
    ),
    rule(rf"(?P<number>{NUMBER})\s?(?P<sign>[€¢£]){NUMBER_END}", _sign_after_number),
)
"""Tried in this order, before the rules for plain numbers."""
