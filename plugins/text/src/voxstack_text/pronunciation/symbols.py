"""Symbols of pronunciations, and phones as a request writes them."""

from __future__ import annotations

from collections.abc import Iterable

from voxstack import RequestError
from voxstack_text.tokens import PHONES, VOWELS

Pronunciation = tuple[str, ...]
"""Phones of a word, each vowel followed by its stress: ``("hh", "ax0", "l", "ow1")``."""

SYMBOLS = tuple(
    symbol
    for phone in PHONES
    if phone != "pau"
    for symbol in ((f"{phone}0", f"{phone}1") if phone in VOWELS else (phone,))
)
"""All symbols of pronunciations. The network's class of a symbol is its index here plus one; class 0 is CTC's blank."""

_KNOWN = frozenset(SYMBOLS)


def checked(symbols: Iterable[str], word: str) -> Pronunciation:
    """Return the pronunciation of ``word`` that these symbols are.

    :raises ValueError: naming the word and the first symbol that does not exist.
    """
    pronunciation = tuple(symbols)
    for symbol in pronunciation:
        if symbol not in _KNOWN:
            raise ValueError(
                f"{word!r} is pronounced with {symbol!r}, which is not a symbol; the symbols are {' '.join(SYMBOLS)}"
            )
    return pronunciation


def are_phones(written: str) -> bool:
    """Return whether a text is phones, at least one, as :func:`parse_phones` reads them."""
    phones = written.split()
    return bool(phones) and all(phone in VOWELS or phone in _KNOWN for phone in phones)


def parse_phones(written: str, where: str) -> Pronunciation:
    """Parse phones separated by spaces; a vowel may be followed by 1, for stress, or by 0.

    :param where: the place in the request, with which the error begins.
    :raises RequestError: naming the first phone that does not exist, and those that do.
    """
    phones = tuple(f"{phone}0" if phone in VOWELS else phone for phone in written.split())
    unknown = next((phone for phone in phones if phone not in _KNOWN), None)
    if unknown is not None or not phones:
        problem = f"there is no phone {unknown!r:.60}" if phones else "there are no phones"
        names = " ".join(symbol for symbol in SYMBOLS if not symbol.endswith("0"))
        raise RequestError(f"{where}: {problem}; this voice has {names} (1: stressed; 0 or no number: unstressed)")
    return phones
