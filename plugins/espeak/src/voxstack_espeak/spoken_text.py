"""Texts as espeak-ng is to read them, with the places of their words and the ends of their sentences."""

from __future__ import annotations

import html
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from voxstack_espeak.phonemization import written_words
from voxstack_espeak.written_pauses import Edit, EditedText, dashes, periods

_TAG = re.compile(r"<[^<>]*>")  # a pattern that crosses a "<" takes quadratic time on many of them
_MARKUP = re.compile(rf"{_TAG.pattern}|&#?\w{{1,32}};")
_IDEOGRAPHS = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]|[^\u3400-\u9fff\uf900-\ufaff]+")
_READ_MARKS = frozenset("%&@#*/\\_")
"""Punctuation that espeak-ng reads by its name."""

FindEnds = Callable[[str], Sequence[int] | None]


class SpokenWord(NamedTuple):
    """A word that has a sound: its span in the text that espeak-ng reads, and in the one that is written."""

    read_start: int
    read_end: int
    start: int
    end: int


class SpokenText(NamedTuple):
    """A text as espeak-ng is to read it.

    :param written: the text as it was requested.
    :param read: that for espeak-ng.
    :param words: its words, in order, found on demand.
    :param ends: indices after the sentences of ``written``, ascending; None: sentences are those of espeak-ng.
    :param is_ssml: whether the text is SSML.
    """

    written: str
    read: str
    words: Iterator[SpokenWord]
    ends: Sequence[int] | None
    is_ssml: bool

    @classmethod
    def of_text(cls, text: str, find_ends: FindEnds, passage: Any = None) -> SpokenText:
        """Return a plain text: with dashes that espeak-ng reads, and no periods that end no sentence.

        :param passage: the passage that the text is of; words that are read for one written word are one.
        """
        ends = find_ends(text)
        edited = EditedText.of(text, [*dashes(text), *([] if ends is None else periods(text, ends))])
        words = (SpokenWord(*span, *edited.span(*span)) for span in _spoken_words(edited.text))
        one_each = words if passage is None else _one_for_each_place(words, passage)
        return cls(text, edited.text, one_each, ends, is_ssml=False)

    @classmethod
    def of_ssml(cls, document: str, find_ends: FindEnds) -> SpokenText:
        """Return an SSML document; of its characters, only periods that end no sentence change."""
        plain = EditedText.of(document, _without_markup(document))
        text, origins = plain.text, plain.origins
        ends = find_ends(text)
        characters = list(document)
        for edit in () if ends is None else periods(text, ends):
            if characters[origins[edit.start]] == ".":
                characters[origins[edit.start]] = edit.read
        after = [*origins[1:], len(document)]  # what follows an entity is after all of it
        words = ((origins[start], after[end - 1]) for start, end in _spoken_words(text))
        spoken = (SpokenWord(*span, *span) for span in words)
        own_ends = None if ends is None else [after[end - 1] for end in ends if end]
        return cls(document, "".join(characters), spoken, own_ends, is_ssml=True)

    def plain(self, start: int, end: int) -> str:
        """Return a part of the written text without markup."""
        part = self.written[start:end]
        return html.unescape(_TAG.sub("", part)) if self.is_ssml else part

    def sentence(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of a sentence whose first word begins at ``start``, and the next one's at ``end``.

        Quotes and parentheses that open before its first word belong to it, and not to the sentence before.
        """
        end = self._opening(end) if end < len(self.written) else end
        start = self._opening(start)
        written = self.written[start:end].rstrip()
        return start, start + len(without_trailing_tags(written) if self.is_ssml else written)

    def _opening(self, start: int) -> int:
        """Return the index of the first of the marks right before a word."""
        while start and not self.written[start - 1].isspace() and self.written[start - 1] not in ">;":
            if self.written[start - 1].isalnum():
                break
            start -= 1
        return start


def _one_for_each_place(words: Iterator[SpokenWord], passage: Any) -> Iterator[SpokenWord]:
    """Yield words, those in a row that have one place in the request's text as one."""
    for _, group in itertools.groupby(words, lambda word: passage.span(word.start, word.end)):
        first, *others = group
        last = others[-1] if others else first
        yield first._replace(read_end=last.read_end, end=last.end)


def _without_markup(document: str) -> Iterator[Edit]:
    """Yield edits of each tag to a space, and of each entity to its character."""
    for match in _MARKUP.finditer(document):
        character = html.unescape(match[0])
        yield Edit(*match.span(), character if len(character) == 1 else " ")


def _spoken_words(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of all words with a letter, a digit or a sign; each ideograph is one."""
    for word in written_words(text):
        for match in _IDEOGRAPHS.finditer(word.text):
            if any(map(_is_spoken, match[0])):
                yield word.start + match.start(), word.start + match.end()


def _is_spoken(character: str) -> bool:
    return character.isalnum() or character in _READ_MARKS or unicodedata.category(character)[0] == "S"


def without_trailing_tags(text: str) -> str:
    """Return a text without the tags and spaces at its end, in linear time."""
    end = len(text)
    while end:
        if text[end - 1].isspace():
            end -= 1
            continue
        start = text.rfind("<", 0, end)
        if text[end - 1] != ">" or start < 0 or ">" in text[start : end - 1]:
            break
        end = start
    return text[:end]
