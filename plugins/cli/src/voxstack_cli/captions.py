"""Groups words to captions that can be read while they are said."""
# ruff: noqa: RUF001 -- quotes that look alike are what this is about

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from typing import NamedTuple

from voxstack import Event

LINE, LINES = 42, 2
"""Characters of a line and lines of a caption at most. These and the next two are those of Netflix's Timed Text Style Guide."""
SHORTEST, LONGEST = 5 / 6, 7.0
"""Seconds for which a caption stays, at least if the next one leaves room, and at most but for a single word."""
SILENCE = 0.7
"""Seconds without a word that end a caption."""
BREATH = 0.05
"""Seconds without a word that tell the end of a sentence from an abbreviation ("Dr. Smith")."""

_SENTENCE_END = re.compile(r"""[.!?…]["'”’»)\]\0]*\s""")
_BLANK_LINE = re.compile(r"\n\s*\n")

NOTHING = "\0"
"""Stands in a text for characters that are not seen, so that the places of the others stay the same."""


class Caption(NamedTuple):
    """Lines of text, and when they are seen, in seconds."""

    start: float
    end: float
    lines: tuple[str, ...]


class Said(NamedTuple):
    """What stands between spaces: one word, or several ("well-known"). When it is said, and its characters in the text."""

    start: float
    end: float
    first: int
    behind: int


class Captions:
    """Takes words in order, and gives captions as soon as they are complete: at the end of a sentence, before a long silence, or
    when there is no more room, and then, of the later half, where the voice paused longest.

    :param text: gives what is known of the text that the words come from, at least up to the last word added. Captions are cut
        out of it between spaces, so that they have its punctuation.
    """

    def __init__(self, text: Callable[[], str]) -> None:
        self._text = text
        self._held: list[Said] = []
        self._last: Said | None = None  # what was said last: it may go on, until a space is seen

    def add(self, word: Event) -> Iterator[Caption]:
        """Take the next word; one without a place in the text is passed over."""
        if word.span is None:
            return
        text, (first, behind) = self._text(), word.span
        last, end = self._last, word.start + word.duration
        if last is not None:
            gap = text[last.behind : first]
            if not any(map(str.isspace, gap)):
                self._last = Said(last.start, end, last.first, max(last.behind, behind))
                return
            first = _begin(text, last.behind, first)
            yield from self._hold(last, text)
            silence = word.start - last.end
            ends = _SENTENCE_END.search(text, last.first, first) or _BLANK_LINE.search(gap)
            if silence >= SILENCE or (ends and silence >= BREATH):
                yield self._caption(len(self._held), word.start)
        self._last = Said(word.start, end, first if last is not None else _begin(text, 0, first), behind)

    def finish(self, duration: float) -> Iterator[Caption]:
        """Give what is left.

        :param duration: seconds of the audio.
        """
        if self._last is not None:
            yield from self._hold(self._last, self._text())
            yield self._caption(len(self._held), max(duration, self._last.end))

    def _hold(self, said: Said, text: str) -> Iterator[Caption]:
        """Keep what is complete now, and give captions until there is room for it."""
        said = said._replace(behind=_end(text, said.behind))
        while self._held and not self._fits([*self._held, said]):
            yield self._caption(self._best_cut(said.start), said.start)
        self._held.append(said)

    def _fits(self, said: list[Said]) -> bool:
        return len(self._lines(said)) <= LINES and said[-1].end - said[0].start <= LONGEST

    def _best_cut(self, following: float) -> int:
        starts = [*(said.start for said in self._held[1:]), following]
        silences = [round(start - said.end, 2) for start, said in zip(starts, self._held, strict=True)]
        return max(range(len(silences) // 2, len(silences)), key=lambda at: (silences[at], at)) + 1

    def _caption(self, count: int, following: float) -> Caption:
        """Let go of so many of those held, as a caption that ends before what follows."""
        said, self._held = self._held[:count], self._held[count:]
        following = self._held[0].start if self._held else following
        start, end = said[0].start, max(said[-1].end, said[0].start + SHORTEST)
        return Caption(start, max(min(end, following), start + 0.001), tuple(self._lines(said)))

    def _lines(self, said: list[Said]) -> list[str]:
        text = self._text()[said[0].first : said[-1].behind].replace(NOTHING, "")
        return textwrap.wrap(" ".join(text.split()), LINE, break_on_hyphens=False)


def _begin(text: str, least: int, at: int) -> int:
    """Where what ends at ``at`` begins, behind a space or at ``least``: an opening quote belongs to its word."""
    while at > least and not text[at - 1].isspace():
        at -= 1
    return at


def _end(text: str, at: int) -> int:
    """Where what begins before ``at`` ends, before a space or with the text."""
    while at < len(text) and not text[at].isspace():
        at += 1
    return at
