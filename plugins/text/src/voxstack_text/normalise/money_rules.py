"""Rules for amounts of money."""
# ruff: noqa: RUF001 -- dashes that look alike are the subject here

from __future__ import annotations

import re

from voxstack_text.normalise import numbers
from voxstack_text.normalise.currencies import ABBREVIATED, AFTER, BEFORE, SIGNS, Currency, currency_of_code, is_strong
from voxstack_text.normalise.magnitudes import MAGNITUDES
from voxstack_text.normalise.rule import (
    EURO_NUMBER,
    NUMBER,
    NUMBER_END,
    IsKnown,
    Reading,
    Rule,
    alternatives,
    is_attributive,
    rule,
    text_before,
)

_SIGN = alternatives(SIGNS)
_BEFORE = rf"(?:(?:{alternatives(BEFORE)})\.?)"
_AFTER = rf"(?:{alternatives(AFTER)})"
_CODE = r"[A-Z]{3}"
_VALUE = rf"(?:{EURO_NUMBER}|{NUMBER})"
_SCALE = rf"[\s-]?(?:{alternatives(MAGNITUDES)})(?!\w)"
_LAST_SCALE = rf"\s?(?:{alternatives(MAGNITUDES)})(?!\w)"


def _amounts(match: re.Match[str], currency: Currency) -> str:
    """Return the words of an amount, or of two that form a range, with the currency."""
    singular, plural, cent, cents = currency
    value, scale = match["number"], _scale(match["scale"])
    groups = match.re.groupindex
    minus = "minus " if "minus" in groups and match["minus"] else ""
    last = match["last"] if "last" in groups else None
    if is_attributive(match) and (scale or "." not in numbers.plain(value) or last):
        plural = singular
    if last:
        first = f"{numbers.amount(value)} {scale}".rstrip()
        return f"{minus}{first} to {numbers.amount(last)} {_scale(match['last_scale'])}".rstrip() + f" {plural}"
    if scale:
        return f"{minus}{numbers.amount(value)} {scale} {plural}"
    whole, _, parts = numbers.plain(value).partition(".")
    if len(parts) != 2 or not cent:
        return f"{minus}{numbers.amount(value)} {singular if value == '1' else plural}"
    spoken = [f"{numbers.amount(whole)} {singular if whole == '1' else plural}"] if whole.strip("0") else []
    if int(parts):
        spoken.append(f"{numbers.cardinal(int(parts))} {cent if int(parts) == 1 else cents}")
    return minus + (" and ".join(spoken) or f"zero {plural}")


def _scale(written: str | None) -> str:
    return MAGNITUDES[written.strip(" -\t\n")] if written else ""


def _signed(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read an amount after a sign; a code after it names the currency: "$20 CAD"."""
    currency = SIGNS[match["sign"]]
    if match["code"]:
        coded = currency_of_code(match["code"], before_number=False)
        if coded is None:
            return None
        currency = coded
    return _amounts(match, currency)


def _first_of_two(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read the first amount of "between $1.2 and $1.5 billion", whose magnitude and currency the second has."""
    return numbers.amount(match["number"]) if _BETWEEN.search(text_before(match)) else None


def _abbreviated(match: re.Match[str], is_known: IsKnown) -> Reading:
    return _amounts(match, ABBREVIATED[match["sign"].rstrip(".")])


def _sign_after_number(match: re.Match[str], is_known: IsKnown) -> Reading:
    sign = match["sign"]
    return _amounts(match, Currency("cent", "cents") if sign == "¢" else ABBREVIATED.get(sign) or SIGNS[sign])


def _code_before(match: re.Match[str], is_known: IsKnown) -> Reading:
    currency = currency_of_code(match["code"], before_number=True)
    return _amounts(match, currency) if currency else None


def _code_after(match: re.Match[str], is_known: IsKnown) -> Reading:
    code = match["code"]
    glued = match.string[match.start("code") - 1].isdigit()
    if not is_strong(code) and (glued or _WORD_AFTER.match(match.string, match.end())):
        return None
    currency = currency_of_code(code, before_number=False)
    return _amounts(match, currency) if currency else None


_WORD_AFTER = re.compile(
    r"\s+(?!(?:in|for|per|a|to|and|or|each|from|on|at|is|was|were|by|with|an|the|as|will|only|more|which|that)\b)[A-Za-z]"
)
_BETWEEN = re.compile(r"\b(?:between|from)\s+$", re.IGNORECASE)
_NUMBER = rf"(?P<number>{_VALUE})"
_RANGE = (
    rf"(?P<scale>{_SCALE})?(?:\s?[-–—~]\s?|\sto\s)"
    rf"(?:(?P=sign)\s?)?(?P<last>{_VALUE})(?P<last_scale>{_LAST_SCALE})"
)
_SAME_SIGN = rf"(?P<scale>{_SCALE})?\s?[-–—~]\s?(?P=sign)\s?(?P<last>{_VALUE})(?P<last_scale>{_SCALE})?"
_PLAIN_RANGE = rf"(?P<scale>(?!))?[-–~](?P<last>{_VALUE})(?P<last_scale>(?!))?(?=\s|$|[,;:.!?)])"
_SINGLE = rf"(?P<scale>{_SCALE})?(?:\s(?P<code>{_CODE})(?!\w))?"
_START = r"(?<![A-Za-z])"

RULES: tuple[Rule, ...] = (
    rule(rf"{_START}(?P<sign>{_SIGN})(?P<number>{_VALUE})(?=\sand\s(?P=sign){_VALUE}(?:{_SCALE}))", _first_of_two),
    *(
        rule(rf"{_START}(?P<sign>{_SIGN})\s?(?P<minus>[-−])?(?P<code>(?!))?{_NUMBER}{ending}{NUMBER_END}", _signed)
        for ending in (_RANGE, _SAME_SIGN, _PLAIN_RANGE)
    ),
    rule(rf"{_START}(?P<sign>{_SIGN})\s?(?P<minus>[-−])?{_NUMBER}{_SINGLE}{NUMBER_END}", _signed),
    rule(
        rf"{_START}(?P<sign>{_SIGN})\s?(?P<minus>[-−])?(?P<code>(?!))?{_NUMBER}(?P<scale>{_SCALE})?{NUMBER_END}",
        _signed,
    ),
    rule(rf"{_START}(?P<sign>{_BEFORE})\s?{_NUMBER}(?P<scale>{_SCALE})?{NUMBER_END}", _abbreviated),
    rule(rf"{_START}(?P<code>{_CODE})\s?{_NUMBER}(?P<scale>{_SCALE})?{NUMBER_END}", _code_before),
    rule(rf"{_NUMBER}(?P<scale>{_SCALE})?\s?(?P<code>{_CODE})(?!\w)", _code_after),
    rule(rf"{_NUMBER}(?P<scale>{_SCALE})?\s?(?P<sign>¢|{_SIGN}|{_AFTER})(?!\w)(?!\s?\d)", _sign_after_number),
)
"""Tried in this order, before the rules for plain numbers."""
