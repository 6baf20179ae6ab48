"""A passage: what is spoken in one go, with where it comes from and how it shall sound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from voxstack_text.layout import Layout

STAND_IN = "\ua66e"
"""Stands in a passage's text for something that is not read from its letters: a letter itself, so that sentences are found as
ever, and one that no text has."""


class Insert(NamedTuple):
    """What is said for the stand-in at one place of a passage.

    :param at: place of the stand-in in the passage's text.
    :param written: what stands there in the request.
    :param said: phones with spaces between, words as the normaliser gives them, or text to be normalised: ``kind`` says which.
    :param kind: ``"phones"``, ``"words"`` or ``"text"``.
    """

    at: int
    written: str
    said: str
    kind: str


class Break(NamedTuple):
    """A silence before the character ``at`` of a passage's text: so many seconds, 0 for none, NaN for what the voice makes of a comma."""

    at: int
    seconds: float


class Manner(NamedTuple):
    """How the characters from ``start`` up to ``end`` of a passage's text are spoken.

    :param rate: how many times as fast.
    :param volume: dB louder.
    :param pitch: semitones higher.
    """

    start: int
    end: int
    rate: float = 1.0
    volume: float = 0.0
    pitch: float = 0.0


class Flag(NamedTuple):
    """A named place before the character ``at`` of a passage's text, behind a break there or before it."""

    at: int
    name: str
    behind: bool = False


@dataclass(frozen=True)
class Passage:
    """A sentence, or a piece of a long one.

    :param text: what is read.
    :param start: place of its first character in the request's text.
    :param ending: how it ends where its text does not say: ``","`` at a cut behind a mark, ``" "`` at a cut elsewhere, both inside
        a sentence; ``""`` at the end of a sentence.
    :param lead: seconds of silence before it; NaN: the voice decides.
    :param origins: places in the request's text of each character, the first and the one behind; None: they follow each other
        from ``start`` on.
    :param pitch: semitones that it is spoken higher.
    :param layout: what it is spoken as, where that has been worked out; inserts, breaks, manners and flags have had their effect on it.
    """

    text: str
    start: int = 0
    ending: str = ""
    lead: float = math.nan
    origins: tuple[tuple[int, int], ...] | None = None
    inserts: tuple[Insert, ...] = ()
    breaks: tuple[Break, ...] = ()
    manners: tuple[Manner, ...] = ()
    flags: tuple[Flag, ...] = ()
    pitch: float = 0.0
    layout: Layout | None = None

    @property
    def written(self) -> str:
        """The text, with what is written in place of each stand-in."""
        text = self.text
        for insert in reversed(self.inserts):
            text = text[: insert.at] + insert.written + text[insert.at + 1 :]
        return text

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where ``text[start:end]`` stands, counted from the passage's ``start`` in the request's text."""
        if self.origins is None:
            return start, end
        if start == end:
            place = (
                self.origins[start][0]
                if start < len(self.origins)
                else self.origins[-1][1]
                if self.origins
                else self.start
            )
            return place - self.start, place - self.start
        return self.origins[start][0] - self.start, self.origins[end - 1][1] - self.start
