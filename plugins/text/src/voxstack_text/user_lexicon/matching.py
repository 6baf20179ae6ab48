"""Words of a user's lexicon in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple, Self

from voxstack_text.tokens import FUNCTION_WORDS
from voxstack_text.user_lexicon.entry import Entry

_TOKEN = re.compile(r"\w+|[^\w\s]")
_APOSTROPHES = "['\u2019\u02bc]"
_ENDINGS = rf"(?P<ending>{_APOSTROPHES}(?:s|ll|ve|re|d|m)|e?s{_APOSTROPHES}|e?s)?"
_SIBILANT = re.compile(r"(?:s|x|z|ch|sh)$", re.IGNORECASE)
_BEFORE_WORD, _AFTER_WORD = r"(?<![\w@])(?<!\w[.@])(?<!\d,)", r"(?!\w|[.@]\w|,\d)"
"""What a word is not part of: another word, an address, a number."""


class Found(NamedTuple):
    """A word of a lexicon in a text.

    :param start: index of its first character.
    :param end: index after its last one, with its ending.
    :param kind: ``phones``, ``ipa`` or ``alias``.
    :param value: its pronunciation, without the ending.
    :param ending: of the word as written, in lower case: ``"'s"``, ``"s"``, ``"'ll"``, ...; or "".
    :param where: place of the entry, for errors.
    """

    start: int
    end: int
    kind: str
    value: str
    ending: str
    where: str


class _Candidate:
    """An entry, and the pattern of what it matches."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.length = len(entry.grapheme)
        self._only_exact = entry.grapheme.isupper() and entry.grapheme.lower() in FUNCTION_WORDS  # "US" is not "us"

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        grapheme = self.entry.grapheme
        body = re.sub(r"['\u2019\u02bc]", lambda _: _APOSTROPHES, r"\s+".join(map(re.escape, grapheme.split())))
        before, after = (_BEFORE_WORD if _is_letter(grapheme[0]) else "", _AFTER_WORD)
        after = f"{_ENDINGS}{after}" if _is_letter(grapheme[-1]) else ""
        return re.compile(f"{before}(?P<word>{body}){after or '(?P<ending>)'}", re.IGNORECASE)

    def match(self, text: str, position: int) -> tuple[bool, Found] | None:
        """Return whether the case is the same, and what is found at a position of a text; or None."""
        match = self._pattern.match(text, position)
        if match is None:
            return None
        ending = re.sub(_APOSTROPHES, "'", (match["ending"] or "").lower())
        exact = " ".join(match["word"].split()) == self.entry.grapheme
        if not exact and (self._only_exact or ending in ("s", "es")):  # "GA" is not in "gas"
            return None
        if ending.strip("'") == "es" and not _SIBILANT.search(self.entry.grapheme):
            return None
        return exact, Found(match.start(), match.end(), self.entry.kind, self.entry.value, ending, self.entry.where)


Level = dict[str, list[_Candidate]]
"""Candidates by the first word of their graphemes, in lower case."""


class UserLexicon:
    """Pronunciations of words, in levels of which the first that has a word counts.

    The longest word at a place counts, then one in the same case, then the first level.
    """

    def __init__(self, levels: tuple[Level, ...] = (), entries: tuple[Entry, ...] = ()) -> None:
        self._levels = levels
        self.entries = entries

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Self:
        """Return a lexicon of one level; of entries for one word, the first counts."""
        unique: dict[str, Entry] = {}
        for entry in entries:
            unique.setdefault(entry.grapheme, entry)
        level: Level = {}
        for entry in unique.values():
            level.setdefault(_first_word(entry.grapheme), []).append(_Candidate(entry))
        return cls((level,) if level else (), tuple(unique.values()))

    def over(self, other: UserLexicon) -> UserLexicon:
        """Return a lexicon with the entries of both, those of this one first."""
        return UserLexicon(self._levels + other._levels, self.entries + other.entries)

    def find(self, text: str) -> Iterator[Found]:
        """Yield the words of the lexicon in a text, from left to right."""
        done = 0
        for token in _TOKEN.finditer(text):
            if token.start() >= done and (found := self._best(text, token)) is not None:
                yield found
                done = found.end

    def _best(self, text: str, token: re.Match[str]) -> Found | None:
        best: tuple[tuple[int, bool], Found] | None = None
        for candidate in self._candidates(token[0].lower()):
            matched = candidate.match(text, token.start())
            if matched is not None and (best is None or (candidate.length, matched[0]) > best[0]):
                best = (candidate.length, matched[0]), matched[1]
        return None if best is None else best[1]

    def _candidates(self, word: str) -> Iterator[_Candidate]:
        stems = [word[: -len(ending)] for ending in ("s", "es") if word.endswith(ending)]
        for level in self._levels:
            for key in (word, *stems):
                yield from level.get(key, ())


def _first_word(grapheme: str) -> str:
    first = _TOKEN.search(grapheme)
    return first[0].lower() if first else grapheme


def _is_letter(character: str) -> bool:
    return character.isalnum() or character == "_"
