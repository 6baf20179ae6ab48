"""Grouping of words into captions that can be read at the pace of speech."""
# ruff: noqa: RUF001 -- typographic quotes are meant

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from typing import NamedTuple

from voxstack import Event

# The first four are from Netflix's Timed Text Style Guide.
MAX_LINE_LENGTH, MAX_LINES = 42, 2
"""Characters of a line, and lines of a caption."""
MIN_SECONDS = 5 / 6
"""Seconds for which a caption is displayed, unless the next one follows sooner."""
MAX_SECONDS = 7.0
"""Seconds for which a caption of more than one word is displayed at most."""
LONG_PAUSE = 0.7
"""Seconds without a word that end a caption."""
SENTENCE_PAUSE = 0.05
"""Seconds without a word that distinguish the end of a sentence from an abbreviation ("Dr. Smith")."""
HIDDEN = "\0"
"""Placeholder in a text for characters that are not displayed, so that the indices of all others stay the same."""

_SENTENCE_END = re.compile(r"""[.!?…]["'”’»)\]\0]*\s""")
_BLANK_LINE = re.compile(r"\n\s*\n")


class Caption(NamedTuple):
    """Lines of text, and when they are displayed, in seconds."""

    start: float
    end: float
    lines: tuple[str, ...]


class Token(NamedTuple):
    """Characters between spaces: one word, or several ("well-known").

    ``start`` and ``end`` are in seconds. ``first`` is the index of its first character in the text, ``after`` that of
    the character after its last.
    """

    start: float
    end: float
    first: int
    after: int


class CaptionBuilder:
    """Groups words into captions, and yields each as soon as it is complete.

    A caption ends with a sentence or before a long pause. One that would exceed the limits is cut in its later half,
    where the voice pauses longest.

    :param text: returns the known part of the text that the words come from, at least up to the last word added.
        Captions are cut out of it at spaces, so that they keep its punctuation.
    """

    def __init__(self, text: Callable[[], str]) -> None:
        self._text = text
        self._pending: list[Token] = []
        self._last: Token | None = None  # the next word continues it, unless a space is between them

    def add(self, word: Event) -> Iterator[Caption]:
        """Add the next word, and yield the captions that are complete now. A word without a span is ignored."""
        if word.span is None:
            return
        text, (first, after) = self._text(), word.span
        last, end = self._last, word.start + word.duration
        if last is not None:
            gap = text[last.after : first]
            if not any(map(str.isspace, gap)):
                self._last = Token(last.start, end, last.first, max(last.after, after))
                return
            first = _token_start(text, first, last.after)
            yield from self._append(last, text)
            pause = word.start - last.end
            ends = _SENTENCE_END.search(text, last.first, first) or _BLANK_LINE.search(gap)
            if pause >= LONG_PAUSE or (ends and pause >= SENTENCE_PAUSE):
                yield self._cut(len(self._pending), word.start)
        self._last = Token(word.start, end, first if last is not None else _token_start(text, first, 0), after)

    def finish(self, duration: float) -> Iterator[Caption]:
        """Yield the remaining captions.

        :param duration: seconds of the audio.
        """
        if self._last is not None:
            yield from self._append(self._last, self._text())
            yield self._cut(len(self._pending), max(duration, self._last.end))

    def _append(self, token: Token, text: str) -> Iterator[Caption]:
        """Append a complete token, and yield captions until it fits."""
        token = token._replace(after=_token_end(text, token.after))
        while self._pending and not self._fits([*self._pending, token]):
            yield self._cut(self._best_cut(token.start), token.start)
        self._pending.append(token)

    def _fits(self, tokens: list[Token]) -> bool:
        return len(self._lines(tokens)) <= MAX_LINES and tokens[-1].end - tokens[0].start <= MAX_SECONDS

    def _best_cut(self, next_start: float) -> int:
        """Return the number of tokens before the longest pause in the later half; the last of equal pauses."""
        starts = [*(token.start for token in self._pending[1:]), next_start]
        pauses = [round(start - token.end, 2) for start, token in zip(starts, self._pending, strict=True)]
        return max(range(len(pauses) // 2, len(pauses)), key=lambda index: (pauses[index], index)) + 1

    def _cut(self, count: int, next_start: float) -> Caption:
        """Remove the first ``count`` tokens, and return them as a caption that ends before what follows."""
        tokens, self._pending = self._pending[:count], self._pending[count:]
        next_start = self._pending[0].start if self._pending else next_start
        start, end = tokens[0].start, max(tokens[-1].end, tokens[0].start + MIN_SECONDS)
        return Caption(start, max(min(end, next_start), start + 0.001), tuple(self._lines(tokens)))

    def _lines(self, tokens: list[Token]) -> list[str]:
        text = self._text()[tokens[0].first : tokens[-1].after].replace(HIDDEN, "")
        return textwrap.wrap(" ".join(text.split()), MAX_LINE_LENGTH, break_on_hyphens=False)


def _token_start(text: str, index: int, minimum: int) -> int:
    """Return where the token that contains ``index`` starts, at ``minimum`` or later.

    An opening quote is part of the token.
    """
    while index > minimum and not text[index - 1].isspace():
        index -= 1
    return index


def _token_end(text: str, index: int) -> int:
    """Return the index after the token that contains the character before ``index``."""
    while index < len(text) and not text[index].isspace():
        index += 1
    return index
