"""Passages cut where other software ends sentences, which may read what the normaliser does not."""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any

from voxstack import NetworkError
from voxstack_text.passage import Passage

_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*")
_READ_MARKS = frozenset("%&@#*/\\_")
"""Punctuation that synthesizers read by its name."""


def paragraphs(text: str) -> Generator[Passage, None, None]:
    """Yield the paragraphs of a text, each with the blank lines after it, by which a reader may know its end."""
    start = 0
    for end in [*(match.end() for match in _BLANK_LINES.finditer(text)), len(text)]:
        if may_be_spoken(text[start:end]):
            yield Passage(text[start:end], start)
        start = end


def may_be_spoken(text: str) -> bool:
    """Return whether a text has something that a synthesizer may read: a letter of any script, a digit or a sign."""
    return any(
        character.isalnum() or character in _READ_MARKS or unicodedata.category(character)[0] == "S"
        for character in text
    )


def cut_passage(passage: Passage, ends: Sequence[int]) -> Iterator[Passage]:
    """Yield the sentences of a passage, each with its markup; those with nothing to speak are left out.

    :param ends: indices after the last character of each sentence in the passage's text, ascending; the text itself
        ends the last one.
    :raises NetworkError: if they are not ascending, or not in the text.
    """
    length = len(passage.text)
    bounds = [0, *(end for end in ends if end != length), length]
    if any(end <= start for start, end in itertools.pairwise(bounds)) and length:
        raise NetworkError(
            f"Sentences: the block 'ends' gave {list(ends)} as the ends of sentences of {length} characters; "
            "they must be ascending, and within the text"
        )
    inner = [(start, end) for start, end in itertools.pairwise(bounds) if may_be_spoken(passage.text[start:end])]
    if len(inner) < 2:
        yield passage
        return
    for number, (start, end) in enumerate(inner):
        first, last = number == 0, number == len(inner) - 1
        yield _segment(passage, 0 if first else start, length if last else end, first, last)


def _segment(passage: Passage, start: int, end: int, first: bool, last: bool) -> Passage:
    text = passage.text[start:end]

    def within(position: int) -> bool:
        return start <= position < end or (last and position == end)

    return replace(
        passage,
        text=text,
        start=passage.start + passage.span(start, start)[0],
        ending=passage.ending if last else "",
        leading_silence=passage.leading_silence if first else math.nan,
        origins=None if passage.origins is None else passage.origins[start:end],
        inserts=tuple(_moved(item, start) for item in passage.inserts if within(item.position)),
        breaks=tuple(_moved(item, start) for item in passage.breaks if within(item.position)),
        bookmarks=tuple(_moved(item, start) for item in passage.bookmarks if within(item.position)),
        prosody_spans=tuple(
            span._replace(start=max(0, span.start - start), end=min(end, span.end) - start)
            for span in passage.prosody_spans
            if span.start < end and start < span.end
        ),
        phones_before=first and passage.phones_before,
        phones_after=last and passage.phones_after,
        layout=None,
    )


def _moved(item: Any, start: int) -> Any:
    return item._replace(position=item.position - start)
