"""Grapheme-to-phoneme networks: their inputs and outputs, and pronunciation by one of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import chain

import numpy as np

from voxstack.networks import Network
from voxstack.networks.sizes import limits_of
from voxstack_text.pronunciation.symbols import SYMBOLS, Pronunciation

ROLE = "pronunciation"
"""Role of networks that pronounce words: ``letters``, (batch, letters), to ``logits``, (batch, steps, symbols + 1)."""

LETTERS = "abcdefghijklmnopqrstuvwxyz'"
"""The letters that the network reads; a letter's number is its index here."""

STEPS_PER_LETTER = 3
"""Output steps of the network per letter: no word has more symbols than that, but for a few spelled ones."""

_AFTER_VOWEL = re.compile(r"(?<=[aeiouy])(?=[^aeiouy])")


def pronounce_by(network: Network) -> Callable[[str], Pronunciation]:
    """Return a function that pronounces a lower-case word by the network.

    Where the network has fixed sizes that words may be cut for, longer words are pronounced in parts. The result is
    empty if the network finds no phones for the word or one of its parts.
    """
    limit = limits_of(network).get("letters")

    def pronounce(word: str) -> Pronunciation:
        plain = "".join(letter for letter in word if letter in LETTERS)
        parts = [
            decode(network(letters=encode(part)[None])["logits"][0])
            for part in letter_groups(plain, limit or len(plain))
        ]
        return tuple(chain(*parts)) if all(parts) else ()

    return pronounce


def encode(word: str) -> np.ndarray:
    """Return the letters of a lower-case word as numbers, (letters,) int64.

    :raises ValueError: for a character that is not in :data:`LETTERS`.
    """
    return np.array([LETTERS.index(letter) for letter in word], np.int64)


def decode(logits: np.ndarray) -> Pronunciation:
    """Return the pronunciation in the network's output, (steps, symbols + 1), by best-path CTC decoding.

    The best class of each step counts; repeats are merged, then blanks are dropped (Graves et al. 2006).
    """
    best = np.argmax(logits, 1)
    changes = np.concatenate([best[:1], best[1:][best[1:] != best[:-1]]])
    return tuple(SYMBOLS[number - 1] for number in changes if number)


def letter_groups(word: str, limit: int) -> list[str]:
    """Cut a written word into parts of similar length, at most ``limit`` letters, after vowels where one is near."""
    parts = []
    while len(word) > limit:
        wanted = -(-len(word) // -(-len(word) // limit))
        ends = [match.start() for match in _AFTER_VOWEL.finditer(word) if wanted // 2 < match.start() <= limit]
        end = min(ends, key=lambda end: abs(end - wanted), default=wanted)
        parts.append(word[:end])
        word = word[end:]
    return [*parts, word] if word else parts
