"""Spoken forms of text in SSML's ``say-as``."""

from __future__ import annotations

import re
from collections.abc import Callable

from voxstack_text.normalise import numbers
from voxstack_text.normalise.date_rules import MONTHS
from voxstack_text.normalise.symbol_names import ADDRESS_SYMBOLS, SYMBOLS
from voxstack_text.whole_text import cancellable, excerpt

SpokenForm = tuple[str, str]
"""Spoken text and its kind, as in :class:`voxstack_text.passage.Insert`."""

_COUNT = re.compile(r"([+-]?)(\d+(?:,\d{3})*(?:\.\d+)?)")
_ORDINAL = re.compile(r"(\d{1,3}(?:,\d{3}){0,4}|\d{1,15})(?:st|nd|rd|th)?", re.IGNORECASE)
_CLOCK = re.compile(r"\d{1,2}(?::\d{2}){0,2}(?:\s?[ap]\.?\s?m\.?)?", re.IGNORECASE)
_FORMATS = ("mdy", "dmy", "ymd", "md", "dm", "ym", "my", "d", "m", "y")
_OTHER_SYMBOLS = {
    ",": "comma",
    ";": "semicolon",
    "!": "exclamation mark",
    "'": "apostrophe",
    '"': "quote",
    "*": "asterisk",
    "\\": "backslash",
}


def say_as(written: str, kind: str, form: str | None = None) -> SpokenForm:
    """Return the spoken form of ``written`` for a value of ``interpret-as``.

    :param kind: one of :data:`KINDS`.
    :param form: the order of a date, one of "mdy", "dmy", "ymd", "md", "dm", "ym", "my", "d", "m", "y".
    :raises ValueError: for text that cannot be read in this way, with an example of what can.
    """
    if kind not in KINDS:
        raise ValueError(f"interpret-as={excerpt(kind)!r} is not supported; write one of {', '.join(KINDS)}")
    if form is not None and kind == "date" and form not in _FORMATS:
        raise ValueError(f"format={excerpt(form)!r} is not a format of dates; write one of {', '.join(_FORMATS)}")
    return KINDS[kind](written.strip(), form)


def _characters(written: str, form: str | None) -> SpokenForm:
    names = []
    for character in cancellable(written):
        if character.isascii() and character.isalpha():
            names.append(character.upper())
        elif character.isdecimal():
            names.append(numbers.digits(character))
        elif not character.isspace():
            names.append(_symbol_name(character))
    return " ".join(names), "words"


def _symbol_name(character: str) -> str:
    name = ADDRESS_SYMBOLS.get(character) or SYMBOLS.get(character) or _OTHER_SYMBOLS.get(character)
    if name is None:
        raise ValueError(f"{character!r} has no name here; use letters, digits and common symbols")
    return name


def _cardinal(written: str, form: str | None) -> SpokenForm:
    match = _COUNT.fullmatch(written)
    if match:
        return {"-": "minus ", "+": "plus ", "": ""}[match[1]] + numbers.amount(match[2]), "words"
    return numbers.cardinal(_roman(written, "a number such as 1,234 or -5.5, or a Roman one")), "words"


def _ordinal(written: str, form: str | None) -> SpokenForm:
    match = _ORDINAL.fullmatch(written)
    value = int(match[1].replace(",", "")) if match else _roman(written, "a number such as 3, 3rd or III")
    return numbers.ordinal(value), "words"


def _roman(written: str, expected: str) -> int:
    try:
        return numbers.roman(written)
    except (ValueError, KeyError):
        raise ValueError(f"{excerpt(written)!r} is not {expected}") from None


def _date(written: str, form: str | None) -> SpokenForm:
    parts = re.split(r"[\s/.,-]+", written)
    if not all(part.isascii() and part.isdigit() for part in parts):
        return written, "text"  # the normaliser reads "July 4, 2021"
    order = form or ("ymd" if len(parts[0]) == 4 else "mdy")[: len(parts)]
    if len(order) != len(parts):
        raise ValueError(f"{excerpt(written)!r} has {len(parts)} numbers, and the format {order!r} has {len(order)}")
    value = {name: int(part[:9]) for name, part in zip(order, parts, strict=True)}
    if not (1 <= value.get("m", 1) <= 12 and 1 <= value.get("d", 1) <= 31 and value.get("y", 1) < 10**4):
        raise ValueError(f"{excerpt(written)!r} is not a date in the order {order!r}; give another format")
    month = MONTHS[value["m"] - 1] if "m" in value else ""
    day = numbers.ordinal(value["d"]) if "d" in value else ""
    year = numbers.year(_full_year(value["y"], parts[order.index("y")])) if "y" in value else ""
    first = f"the {day} of {month}" if order.startswith("dm") else f"{month} {day}"
    return " ".join(f"{first} {year}".split()), "words"


def _full_year(year: int, written: str) -> int:
    return year + (2000 if year < 50 else 1900) if len(written) == 2 else year


def _time(written: str, form: str | None) -> SpokenForm:
    if not _CLOCK.fullmatch(written):
        raise ValueError(f"{excerpt(written)!r} is not a time such as 5:30, 17:45:10 or 9 pm")
    return written, "text"


def _telephone(written: str, form: str | None) -> SpokenForm:
    groups = re.findall(r"\+|\d+|[A-Za-z]+", written)
    if not any(group.isdigit() for group in groups):
        raise ValueError(f"{excerpt(written)!r} is not a telephone number such as +1 (555) 010-9999")
    spoken = [
        "plus" if group == "+" else numbers.digits(group) if group.isdigit() else " ".join(group.upper())
        for group in groups
    ]
    return " , ".join(spoken).replace("plus ,", "plus"), "words"


def _digits(written: str, form: str | None) -> SpokenForm:
    spoken = numbers.digit_groups(written)
    if not spoken:
        raise ValueError(f"{excerpt(written)!r} has no digits")
    return spoken, "words"


def _as_text(written: str, form: str | None) -> SpokenForm:
    return written, "text"


def _bleep(written: str, form: str | None) -> SpokenForm:
    return "bleep", "words"


KINDS: dict[str, Callable[[str, str | None], SpokenForm]] = {
    "characters": _characters,
    "spell-out": _characters,
    "cardinal": _cardinal,
    "ordinal": _ordinal,
    "date": _date,
    "time": _time,
    "telephone": _telephone,
    "verbatim": _characters,
    "number": _cardinal,
    "digits": _digits,
    **dict.fromkeys(("fraction", "unit", "currency", "address", "name", "duration", "measure"), _as_text),
    **dict.fromkeys(("expletive", "bleep"), _bleep),
}
"""Functions by the values of ``interpret-as``."""
