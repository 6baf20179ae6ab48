"""Symbols of pronunciations, and the letters and symbols of the network that pronounces words outside the lexicon."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from voxstack_text.tokens import PHONES

Pronunciation = tuple[str, ...]
"""Phones of a word, a vowel with its stress behind it: ``("hh", "ax0", "l", "ow1")``."""

VOWELS = frozenset("aa ae ah ao aw ax ay eh er ey ih iy ow oy uh uw".split())
SYMBOLS = tuple(
    symbol
    for phone in PHONES
    if phone != "pau"
    for symbol in ((f"{phone}0", f"{phone}1") if phone in VOWELS else (phone,))
)
"""All that a pronunciation is made of. The network's class of a symbol is its place here plus one; class 0 is CTC's blank."""

LETTERS = "abcdefghijklmnopqrstuvwxyz'"
"""What a word is made of, for the network: a letter's number is its place here."""

STEPS_PER_LETTER = 3
"""Output steps of the network for each letter: no word has more symbols than that, but for a few spelled ones."""


def encode(word: str) -> np.ndarray:
    """Return the letters of a lower-case word as numbers, (letters,) int64.

    :raises ValueError: for a character that is not in :data:`LETTERS`.
    """
    return np.array([LETTERS.index(letter) for letter in word], np.int64)


def decode(logits: np.ndarray) -> Pronunciation:
    """Read the network's output, (steps, symbols + 1), as connectionist temporal classification does without a search.

    The best class of each step counts; repeats are one, then blanks fall out (Graves et al. 2006).
    """
    best = np.argmax(logits, 1)
    changes = np.concatenate([best[:1], best[1:][best[1:] != best[:-1]]])
    return tuple(SYMBOLS[number - 1] for number in changes if number)


def checked(symbols: Iterable[str], word: str) -> Pronunciation:
    """Return the symbols of ``word``.

    :raises ValueError: naming the word and a symbol that does not exist.
    """
    pronunciation = tuple(symbols)
    for symbol in pronunciation:
        if symbol not in SYMBOLS:
            raise ValueError(
                f"{word!r} is pronounced with {symbol!r}, and there is no such symbol; there are {' '.join(SYMBOLS)}"
            )
    return pronunciation
