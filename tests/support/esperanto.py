"""A plugin that brings a second language, Esperanto, to a voice of US English: numbers, names of signs, and phones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import voxstack

_PHONES = {
    "a": "aa", "b": "b", "c": "t s", "ĉ": "ch", "d": "d", "e": "eh", "f": "f", "g": "g", "ĝ": "jh", "h": "hh", "ĥ": "k",
    "i": "iy", "j": "y", "ĵ": "zh", "k": "k", "l": "l", "m": "m", "n": "n", "o": "ow", "p": "p", "r": "r", "s": "s",
    "ŝ": "sh", "t": "t", "u": "uw", "ŭ": "w", "v": "v", "z": "z",
}  # fmt: skip
_DIGITS = "nul unu du tri kvar kvin ses sep ok naŭ".split()
_TOKEN = re.compile(r"(?P<number>\d+)|(?P<word>[^\W\d_]+)|(?P<percent>%)|(?P<pause>[,;:.!?]+)")


@dataclass
class EsperantoWords(voxstack.SequenceBlock):
    """Gives the ``spoken_words`` of a text in Esperanto, each with its phones: the last vowel but one is stressed."""

    needs = frozenset({"text"})
    gives = frozenset({"spoken_words"})

    def __call__(self, utterance: Any) -> Any:
        return {"spoken_words": list(_spoken(utterance["text"]))}


def _spoken(text: str) -> Iterator[tuple[Any, ...]]:
    for match in _TOKEN.finditer(text):
        if match["pause"]:
            yield ",", *match.span()
            continue
        words = _number(int(match[0])) if match["number"] else ["procentoj"] if match["percent"] else [match[0].lower()]
        for word in words:
            yield word, *match.span(), phones_of(word)


def _number(value: int) -> list[str]:
    """Return the words of a number below a hundred, and the digits of any other."""
    if value > 99:
        return [_DIGITS[int(digit)] for digit in str(value)]
    tens, ones = divmod(value, 10)
    ten = "dek" if tens == 1 else f"{_DIGITS[tens]}dek"
    return ([ten] if tens else []) + ([_DIGITS[ones]] if ones or not tens else [])


def phones_of(word: str) -> str:
    """Return the phones of a word, separated by spaces."""
    vowels = [index for index, letter in enumerate(word) if letter in "aeiou"]
    stressed = vowels[-2:][:1]
    phones = (_PHONES.get(letter, "") + "1" * (index in stressed) for index, letter in enumerate(word))
    return " ".join(filter(None, phones))


@voxstack.hookimpl
def voxstack_blocks() -> list[type[voxstack.Block]]:
    """Return the block."""
    return [EsperantoWords]
