"""Passages: text that is spoken at once, with its origin in the request and its markup."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from voxstack_text.layout import Layout

PLACEHOLDER = "\ua66e"
"""Stands in a passage's text for something that is not read from its letters.

It is a letter itself, so that sentence boundaries are found as without it, and one that no real text contains.
"""


class Insert(NamedTuple):
    """The spoken form of the placeholder at one position of a passage.

    :param position: index of the placeholder in the passage's text.
    :param written: the text at this place of the request; empty if it is reported with a part before this one.
    :param spoken: what is spoken, separated by spaces.
    :param kind: ``"phones"``; ``"words"``, as the normaliser returns them; or ``"text"``, to be normalised.
    """

    position: int
    written: str
    spoken: str
    kind: str


class Break(NamedTuple):
    """A silence before the character ``position`` of a passage's text.

    :param seconds: its duration; 0 for none, NaN for the voice's own pause at a comma.
    """

    position: int
    seconds: float


class ProsodySpan(NamedTuple):
    """Prosody of the characters from ``start`` up to ``end`` of a passage's text.

    :param rate: factor on the speed; 2 takes half the time.
    :param volume: change in dB.
    :param pitch: change in semitones.
    """

    start: int
    end: int
    rate: float = 1.0
    volume: float = 0.0
    pitch: float = 0.0


class Bookmark(NamedTuple):
    """A named place before the character ``position`` of a passage's text: an SSML ``mark``.

    :param after_break: whether it comes after the break at this position, or before it.
    """

    position: int
    name: str
    after_break: bool = False


@dataclass(frozen=True)
class Passage:
    """A sentence, or a segment of one that was cut.

    :param text: the text to read.
    :param start: index of its first character in the request's text.
    :param ending: kind of its end where its text does not show it: ``","`` at a cut after a punctuation mark and ``"
        "`` at any other cut, both inside a sentence; ``""`` at the end of a sentence.
    :param leading_silence: seconds of silence before it; NaN: the voice decides.
    :param origins: for each character, its span in the request's text, (first character, end); None: the characters
        follow each other from ``start`` on.
    :param pitch: semitones by which it is raised.
    :param phones_before: whether it begins inside double square brackets, where phones were cut.
    :param phones_after: whether it ends inside double square brackets.
    :param layout: its phones and silences, if they are computed already; inserts, breaks, prosody spans and bookmarks
        are applied in them.
    """

    text: str
    start: int = 0
    ending: str = ""
    leading_silence: float = math.nan
    origins: tuple[tuple[int, int], ...] | None = None
    inserts: tuple[Insert, ...] = ()
    breaks: tuple[Break, ...] = ()
    prosody_spans: tuple[ProsodySpan, ...] = ()
    bookmarks: tuple[Bookmark, ...] = ()
    pitch: float = 0.0
    phones_before: bool = False
    phones_after: bool = False
    layout: Layout | None = None

    @property
    def written(self) -> str:
        """The text, with the written form of each insert in place of its placeholder."""
        if not self.inserts:
            return self.text
        stretches, done = [], 0
        for insert in self.inserts:
            stretches += [self.text[done : insert.position], insert.written]
            done = insert.position + 1
        return "".join([*stretches, self.text[done:]])

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of ``text[start:end]`` in the request's text, counted from the passage's ``start``."""
        origins = self.origins
        if origins is None:
            return start, end
        if start < end:
            return origins[start][0] - self.start, origins[end - 1][1] - self.start
        if start < len(origins):
            offset = origins[start][0] - self.start
        else:  # at the end
            offset = origins[-1][1] - self.start if origins else 0
        return offset, offset
