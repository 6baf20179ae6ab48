"""Phrases of formulas, made of the words of their parts."""

from __future__ import annotations

import unicodedata

from voxstack_text.markup.formula_items import UnknownFormulaError
from voxstack_text.markup.formula_words import SYMBOLS
from voxstack_text.normalise.numbers import cardinal, ordinal

_POWERS = {"2": "squared", "3": "cubed"}
_RAISED = {"\\prime": "prime", "prime": "prime", "T": "transpose", "\\top": "transpose", "top": "transpose"}
_RAISED |= {"*": "star", "\\ast": "star", "star": "star", "\\dagger": "dagger"}


def power_words(written: str, words: list[str]) -> list[str]:
    """Return the words of an exponent: "squared", "to the fourth".

    :param written: the exponent as it is written; ``words``: as it is read.
    """
    if written in _POWERS:
        return [_POWERS[written]]
    if written in ("\\circ", "∘", "\\degree", SYMBOLS["circ"], SYMBOLS["degree"]):
        return ["degrees"]
    if written in _RAISED:
        return [_RAISED[written]]
    if written == "-1":
        return ["to", "the", "minus", "one"]
    return ["to", "the", *ordinal_words(written, words)]


def matrix_words(rows: list[list[list[str]]]) -> list[str]:
    """Return the words of a matrix, for the words of its cells by rows."""
    columns = max(map(len, rows), default=0)
    spoken = f"the {cardinal(len(rows))} by {cardinal(columns)} matrix".split()
    for number, row in enumerate(rows, 1):
        spoken += [",", "row", *cardinal(number).split()]
        for cell in row:
            spoken += [",", *cell]
    return spoken


def ordinal_words(written: str, words: list[str]) -> list[str]:
    """Return a number as an ordinal, and anything else as it is."""
    return ordinal(int(written)).split() if written.isdecimal() and len(written) < 10 else words


def approaching(words: list[str]) -> list[str]:
    """Return the words below a limit, "x to zero" as "x approaches zero"."""
    return ["approaches" if word == "to" else word for word in words]


def letter_words(letter: str) -> list[str]:
    """Return the name of a letter that is not Latin."""
    script, _, name = unicodedata.name(letter, "").partition(" LETTER ")
    if not script.startswith("GREEK"):
        raise UnknownFormulaError(f"{letter!r} has no reading")
    return [*(["capital"] if "CAPITAL" in script else []), *name.lower().split()]
