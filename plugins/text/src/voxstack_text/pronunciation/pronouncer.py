"""Spoken words to phones: overrides, the lexicon, rules for endings, and a network for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from voxstack_text.pronunciation.g2p_network import LETTERS
from voxstack_text.pronunciation.lexicon import Lexicon
from voxstack_text.pronunciation.symbols import Pronunciation, checked
from voxstack_text.tokens import LETTER_A, VOWELS

WordPart = tuple[str, Pronunciation]
"""A word as the acoustic model counts words, and its pronunciation: "John's" has two parts, ``john`` and ``'s``."""

_OVERRIDES = {
    word: checked(symbols.split(), word)
    for word, symbols in {
        "a": "ax0",
        "an": "ae1 n",
        "and": "ae1 n d",
        "as": "ae1 z",
        "at": "ae1 t",
        "can": "k ae1 n",
        "co": "k ow1",
        "does": "d ah1 z",
        "for": "f ao1 r",
        "fema": "f iy1 m ax0",
        "fifa": "f iy1 f ax0",
        "from": "f r ah1 m",
        "gif": "g ih1 f",
        "has": "hh ae1 z",
        "have": "hh ae1 v",
        "gov": "g ah1 v",
        "her": "hh er0",
        "his": "hh ih1 z",
        "hmm": "hh m",
        "i": "ay1",
        "invite": "ih0 n v ay1 t",
        "jpeg": "jh ey1 p eh0 g",
        "minute": "m ih1 n ax0 t",
        "missus": "m ih1 s ax0 z",
        "mm": "m",
        "moped": "m ow1 p eh0 d",
        "nato": "n ey1 t ow0",
        "of": "ah1 v",
        "psi": "s ay1",
        "psst": "p s t",
        "rom": "r aa1 m",
        "shh": "sh",
        "that": "dh ae1 t",
        "the": "dh ax0",
        "tis": "t ih1 z",
        "to": "t ax0",
        "was": "w aa1 z",
        "with": "w ih1 dh",
    }.items()
}
"""Words that the teacher, CMU flite, pronounces differently in sentences than in its lexicon, which lacks others or has
them wrong.
"""

_THE_BEFORE_VOWEL = ("dh", "iy0")
_LETTER_A = ("ey1",)
_SIBILANTS, _VOICELESS = (frozenset("s z sh zh ch jh".split()), frozenset("p t k f th".split()))
_ENDINGS = ("'s", "'ll", "'ve", "'d", "'re", "'m", "n't")


class Pronouncer:
    """Pronounces words one by one, without their context.

    :param lexicon: pronunciations of known words.
    :param network: returns the pronunciation of a lower-case word that the lexicon lacks, or an empty one; without it,
        such words are spelled.
    """

    def __init__(self, lexicon: Lexicon, network: Callable[[str], Pronunciation] | None = None) -> None:
        self._lexicon = lexicon
        self._network = network

    def is_known(self, word: str) -> bool:
        """Return whether the pronunciation of a lower-case word is in a table."""
        return word in _OVERRIDES or word in self._lexicon

    def pronounce(self, word: str) -> list[WordPart]:
        """Return the pronunciation of a lower-case word, or of a letter's name, which is one capital."""
        endings: list[str] = []
        while not self.is_known(word):
            word, ending = split_ending(word)
            if not ending:
                break
            endings.append(ending)
        parts = self._stem(word)
        for ending in reversed(endings):
            last = next((phones[-1] for _, phones in reversed(parts) if phones), "ax0")
            parts.append((ending, ending_after(last, ending)))
        return parts

    def _stem(self, word: str) -> list[WordPart]:
        """Return the pronunciation of a word without endings."""
        if len(word) == 1 and word.isupper():
            return [letter_name(word, self._lexicon)]
        known = _OVERRIDES.get(word) or self._lexicon.get(word)
        if known:
            return [(word, known)]
        plain = word.replace("'", "")  # "dogs'"
        if plain != word:
            return self._stem(plain) if plain else []
        return list(self._unknown(word))

    def _unknown(self, word: str) -> Iterator[WordPart]:
        """Yield the parts of a word that no table has: as a regular plural, by the network, or spelled."""
        plural = word.endswith("s") and not word.endswith("ss") and len(word) > 3
        singular = self._lexicon.get(word[:-1]) if plural else None
        if singular:
            pronunciation = (*singular, *ending_after(singular[-1], "'s"))
        else:
            pronunciation = self._network(word) if self._network else ()
        if pronunciation:
            yield word, pronunciation
            return
        for character in word:
            if character in LETTERS and character != "'":
                yield letter_name(character.upper(), self._lexicon)


def letter_name(letter: str, lexicon: Lexicon) -> WordPart:
    """Return the name of a capital letter. That of A is the word :data:`LETTER_A`."""
    if letter == "A":
        return LETTER_A, _LETTER_A
    return letter.lower(), lexicon.get(letter.lower()) or ()


def before_vowel(parts: list[WordPart], following: Pronunciation) -> list[WordPart]:
    """Return a word's parts as pronounced before the phones that follow: "the" changes before a vowel."""
    if following and following[0].rstrip("01") in VOWELS and [word for word, _ in parts] == ["the"]:
        return [("the", _THE_BEFORE_VOWEL)]
    return parts


def split_ending(word: str) -> tuple[str, str]:
    """Return the stem and the ending of a word, ("john", "'s"); the ending may be empty."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending):
            return word[: -len(ending)], ending
    return word, ""


def ending_after(symbol: str, ending: str) -> Pronunciation:
    """Return the pronunciation of an ending after the last symbol of its stem, by the rules of the teacher's labels."""
    phone = symbol.rstrip("01")
    if ending == "'s":
        return ("ax0", "z") if phone in _SIBILANTS else ("s",) if phone in _VOICELESS else ("z",)
    if ending == "n't":
        return ("ax0", "n", "t")
    if ending == "'re":
        return ("r",) if phone in VOWELS else ("er0",)
    consonant = {"'ll": "l", "'ve": "v", "'d": "d", "'m": "m"}[ending]
    return (consonant,) if phone in VOWELS else ("ax0", consonant)
