"""Texts as clauses of phonemes, with the places of their written words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

from voxstack import RequestError
from voxstack_espeak.clauses import ends_sentence, terminator
from voxstack_espeak.process_pool import ProcessPool
from voxstack_espeak.voices import unknown_voice
from voxstack_espeak.word_alignment import align_words

_LANGUAGE = re.compile(r"\([^)]+\)")
_TOKEN = re.compile(r"\S+")
_AROUND = ".,;:!?\u2026\"'`()[]{}<>\u00ab\u00bb\u201c\u201d\u201e\u2018\u2019\u201a\u00bf\u00a1\u2013\u2014-*_/|"
"""Marks around written words, which are not part of them."""


class WrittenWord(NamedTuple):
    """A word as it is written.

    :param start: index of its first character in the text.
    :param end: index after its last one.
    """

    text: str
    start: int
    end: int


class Clause(NamedTuple):
    """A clause as espeak-ng reads it.

    :param phonemes: its IPA in normal form D, without its mark.
    :param mark: the mark that ends it, or "".
    :param end: index of the character after it in the text.
    :param ends_sentence: whether a sentence ends with it.
    :param words: its written words, each with its place in ``phonemes``: (first character, end).
    """

    phonemes: str
    mark: str
    end: int
    ends_sentence: bool
    words: Sequence[tuple[WrittenWord, tuple[int, int]]] = ()


@dataclass(frozen=True)
class Phonemizer:
    """Computes the phonemes of texts by the rules of a voice of espeak-ng.

    :param voice: its name, language or file.
    :param glides: whether glides between vowels are written where the library has no IPA for them.
    :param block: name of the block, for errors.
    """

    pool: ProcessPool
    voice: str
    glides: bool
    block: str

    def clauses(self, text: str, timed: bool = False) -> list[Clause]:
        """Return the clauses of a text.

        :param timed: whether to find the places of their words.
        :raises RequestError: if espeak-ng has no such voice.
        """
        words = list(written_words(text)) if timed else []
        spellings = list(dict.fromkeys(word.text for word in words))
        clauses: list[tuple[str, str, bool]] = []
        isolated: list[str] = []
        request: dict[str, Any] = {"do": "phonemes", "voice": self.voice, "text": text.replace("\0", " ")}
        request |= {"glides": self.glides, "words": spellings}
        with closing(self.pool.run(request)) as replies:
            for reply in replies:
                if reply.kind == "c":
                    clauses += reply.json()
                elif reply.kind == "w":
                    isolated += reply.json()
                elif "voices" in (result := reply.json()):
                    raise RequestError(f"{self.block}: {unknown_voice(self.voice, result['voices'])}")
        return list(_joined(clauses, words, dict(zip(spellings, map(_plain, isolated), strict=True))))


def written_words(text: str) -> Iterator[WrittenWord]:
    """Yield the words of a text, between white space, without the quotes, brackets and marks around them."""
    for match in _TOKEN.finditer(text):
        token = match[0]
        word = token.strip(_AROUND) or token
        start = match.start() + token.index(word)
        yield WrittenWord(word, start, start + len(word))


def _plain(ipa: str) -> str:
    """Return IPA in normal form D, without the names of languages that it switches to."""
    return unicodedata.normalize("NFD", _LANGUAGE.sub("", ipa))


def _joined(
    clauses: Sequence[tuple[str, str, bool]], words: Sequence[WrittenWord], isolated: dict[str, str]
) -> Iterator[Clause]:
    """Yield clauses, each with its words.

    :param clauses: for each, its IPA, the text that espeak-ng read for it, and whether text was left.
    """
    first, done, position = "", 0, 0  # the first character of a clause is read with the clause before it
    for ipa, read, more in clauses:
        position += len(read)
        end = position - 1 if more else position
        mark = terminator(first + read, more) if ipa else ""
        last = ends_sentence(first + read, more)
        first = read[-1:] if more else ""
        own = []
        while done < len(words) and words[done].start < end:
            own.append(words[done])
            done += 1
        phonemes = _plain(ipa)
        places = align_words(phonemes, [isolated[word.text] for word in own])
        placed = [(word, place) for word, place in zip(own, places, strict=True) if place is not None]
        yield Clause(phonemes, mark, end, last, placed)
