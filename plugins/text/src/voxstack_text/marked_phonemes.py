"""The block ``MarkedPhonemes``, which keeps the marks of a text among its phonemes."""

from __future__ import annotations

import functools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from voxstack import RequestError, SequenceBlock, Utterance

_TOKEN = re.compile(r"\S+")
_WORD_OR_MARK = re.compile(r"\w+|[^\w\s]")


@dataclass
class MarkedPhonemes(SequenceBlock):
    """Runs a block that gives ``phonemes`` on the text between marks, and writes the marks where they were.

    Models that were trained with the package phonemizer and ``preserve_punctuation`` (StyleTTS 2, Kokoro, KittenTTS)
    read phonemes in this form. The result is a string; ``phoneme_words`` are those of the block, whose ``first`` and
    ``phonemes`` then count characters of it.

    :param block: gives the ``phonemes`` of a ``text`` without marks.
    :param source: name of the text.
    :param marks: the characters that are marks. By default those of phonemizer.
    :param decimals: those of them that are none between two digits.
    :param spaced: write one space between all words and marks, where a word is a run of letters.
    """

    block: SequenceBlock
    source: str = "text"
    marks: str = ';:,.!?\u00a1\u00bf\u2014\u2026"\u00ab\u00bb\u201c\u201d(){}[]'
    decimals: str = ".,"
    spaced: bool = False

    gives = frozenset({"phonemes", "phoneme_words"})

    @property
    def needs(self) -> frozenset[str]:
        return (self.block.needs - {"text"}) | {self.source}

    def __call__(self, utterance: Utterance) -> Utterance:
        text = utterance[self.source]
        if not isinstance(text, str):
            raise RequestError("MarkedPhonemes: the text arrives in parts; put Sentences around it, or join them")
        phonemes, words, position = "", [], 0
        for part in _marks_pattern(self.marks, self.decimals).split(text):
            spoken = part.strip()
            if spoken and part[0] not in self.marks:
                start = position + len(part) - len(part.lstrip())
                phonemes += part[: start - position]
                given = self.block({**utterance, "text": spoken, "passage": None})
                words += [_moved(word, start, len(phonemes)) for word in given.get("phoneme_words", ())]
                phonemes += "".join(given["phonemes"]) + part[start - position + len(spoken) :]
            else:
                phonemes += part
            position += len(part)
        if self.spaced:
            phonemes, words = _spaced(phonemes, words)
        return {"phonemes": phonemes, "phoneme_words": list(self._in_request(words, text, utterance))}

    def _in_request(self, words: Sequence[Any], text: str, utterance: Utterance) -> Iterator[Any]:
        """Yield words with their places in the request's text, of which ``text`` may be a rewritten form."""
        written, passage = utterance.get("text"), utterance.get("passage")
        places = [match.span() for match in _TOKEN.finditer(text)]
        others = places if self.source == "text" else [match.span() for match in _TOKEN.finditer(written or "")]
        if len(places) != len(others):  # nothing tells which word is which
            return
        starts = [start for start, _ in places]
        for word in words:
            number = bisect_right(starts, word.start) - 1
            (start, _), (other, other_end) = places[number], others[number]
            span = [min(other + position - start, other_end) for position in (word.start, word.end)]
            span = span if passage is None else passage.span(*span)
            yield word._replace(start=span[0], end=span[1])


def _moved(word: Any, characters: int, phonemes: int) -> Any:
    return word._replace(start=word.start + characters, end=word.end + characters, first=word.first + phonemes)


def _spaced(phonemes: str, words: Sequence[Any]) -> tuple[str, list[Any]]:
    """Return phonemes with one space between all words and marks, and where the words are then."""
    parts = list(_WORD_OR_MARK.finditer(phonemes))
    starts = [match.start() for match in parts]
    places, position = [], 0
    for match in parts:
        places.append(position)
        position += len(match[0]) + 1
    found = []
    for word in words:
        inside = range(bisect_left(starts, word.first), bisect_left(starts, word.first + word.phonemes))
        if inside:
            first, last = inside[0], inside[-1]
            length = places[last] + len(parts[last][0]) - places[first]
            found.append(word._replace(first=places[first], phonemes=length))
    return " ".join(match[0] for match in parts), found


@functools.lru_cache(maxsize=64)
def _marks_pattern(marks: str, decimals: str) -> re.Pattern[str]:
    """Return a pattern of marks in a row, as one group; ``decimals`` are none between digits."""
    plain = re.escape("".join(mark for mark in marks if mark not in decimals))
    between = re.escape("".join(mark for mark in marks if mark in decimals))
    kinds = [f"[{plain}]"] * bool(plain) + [rf"(?<!\d)[{between}]|[{between}](?!\d)"] * bool(between)
    return re.compile(f"((?:{'|'.join(kinds)})+)" if kinds else r"(?!)")
