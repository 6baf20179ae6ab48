"""Words of a request's lexicon in a text that espeak-ng reads."""
# ruff: noqa: RUF001 -- letters of the phonetic alphabet are meant

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, NamedTuple

from voxstack import RequestError
from voxstack_espeak.phonemization import WrittenWord
from voxstack_espeak.word_alignment import VOWELS

_STAND_INS = {True: "apple", False: "bob"}
"""Words that espeak-ng reads where IPA is written then, by whether that begins with a vowel."""

_LEFT_OUT = re.compile("[.\u203f\u0361\u035c\\s]")  # syllables and ties, which espeak-ng does not write
_STRESS = re.compile(f"([ˈˌ])([^{VOWELS}ˈˌ]*)(?=[{VOWELS}])")
_SIBILANTS, _VOICELESS = frozenset("szʃʒ"), frozenset("ptkfθ")
_ENDINGS = {"'ll": "əl", "'ve": "əv", "'re": "ɚ", "'d": "d", "'m": "m"}
_JOINED_BEFORE, _JOINED_AFTER = re.compile(r"\w[^\w\s]{0,9}$"), re.compile(r"[^\w\s]{0,9}\w")


class Replaced(NamedTuple):
    """A word that espeak-ng reads in place of one that is written.

    :param start: index of its first character in the text that espeak-ng reads.
    :param end: index after its last one.
    :param written: the word in the written text.
    :param ipa: what replaces its phonemes, in normal form D; "": they remain.
    :param shift: what is added to places after it in the text that espeak-ng reads, for those in the written text.
    """

    start: int
    end: int
    written: WrittenWord
    ipa: str
    shift: int


class LexiconText(NamedTuple):
    """A text as espeak-ng reads it, with other words in place of those of a lexicon."""

    text: str
    replaced: tuple[Replaced, ...] = ()

    @classmethod
    def of(cls, text: str, lexicon: Any) -> LexiconText:
        """Return a text with the words of a lexicon replaced.

        :param lexicon: see the hook ``voxstack_lexicon``; None: nothing is replaced.
        :raises RequestError: with the place of an entry that is not IPA.
        """
        if lexicon is None:
            return cls(text)
        parts, replaced, done, length = [], [], 0, 0
        for found in lexicon.find(text):
            read, ipa = _read_for(found)
            before = text[done : found.start]
            before += " " if _JOINED_BEFORE.search(before[-10:]) else ""
            start = length + len(before)
            after = " " if _JOINED_AFTER.match(text, found.end) else ""
            parts += [before, read, after]
            written = WrittenWord(text[found.start : found.end], found.start, found.end)
            done, length = found.end, start + len(read) + len(after)
            replaced.append(Replaced(start, start + len(read), written, ipa, done - length))
        return cls("".join([*parts, text[done:]]), tuple(replaced))

    @property
    def has_ipa(self) -> bool:
        """True if phonemes of words are replaced."""
        return any(one.ipa for one in self.replaced)

    def origin(self, word: WrittenWord) -> tuple[WrittenWord, Replaced | None]:
        """Return the written word that a word stands for, and what replaced it."""
        shift = 0
        for one in self.replaced:
            if word.start < one.start:
                break
            if word.start < one.end:
                return one.written, one
            shift = one.shift
        return WrittenWord(word.text, word.start + shift, word.end + shift), None


def check_ipa(lexicon: Any) -> None:
    """Check that the pronunciations of a lexicon are IPA.

    :raises RequestError: with the place of the first that is not.
    """
    for entry in lexicon.entries:
        if entry.kind != "alias":
            _ipa_of(entry)


def _read_for(found: Any) -> tuple[str, str]:
    """Return what espeak-ng reads for a word, and the IPA that replaces its phonemes."""
    if found.kind == "alias":
        return f"{found.value}{found.ending}", ""
    ipa = _ipa_of(found)
    if found.ending:
        ipa += _ENDINGS.get(found.ending) or _plural(ipa)
    return _STAND_INS[ipa.lstrip("ˈˌ")[0] in VOWELS], unicodedata.normalize("NFD", ipa)


def _ipa_of(entry: Any) -> str:
    """Return the IPA of an entry as espeak-ng writes it: stress stands before vowels, and a single one has it.

    :raises RequestError: if it is not IPA.
    """
    ipa = _LEFT_OUT.sub("", entry.value)
    if not ipa.strip("ˈˌː") or any(character.isdigit() or character.isspace() for character in entry.value.strip()):
        raise RequestError(
            f"{entry.where}: {entry.value!r:.60} is not IPA, which this voice reads; write /həlˈoʊ/, say"
        )
    ipa = _STRESS.sub(r"\2\1", ipa)
    if "ˈ" not in ipa and len(vowels := list(_vowels(ipa))) == 1:
        ipa = f"{ipa[: vowels[0]]}ˈ{ipa[vowels[0] :]}".replace("ˌ", "")
    return ipa


def _vowels(ipa: str) -> Iterator[int]:
    """Yield the index of the first letter of each run of vowels."""
    return (match.start() for match in re.finditer(f"[{VOWELS}]+", ipa))


def _plural(ipa: str) -> str:
    return "ɪz" if ipa[-1] in _SIBILANTS else "s" if ipa[-1] in _VOICELESS else "z"
