"""Passages cut into segments that have no more tokens than the voice's networks accept."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from operator import attrgetter

from voxstack_text.layout import Layout, Word
from voxstack_text.passage import PLACEHOLDER, Passage
from voxstack_text.sentences.cut_search import best_cuts
from voxstack_text.tokens import Phone

_FIRST_TOKEN = attrgetter("first_token")
_OPENING = re.compile(r"\s(\S*)$")  # brackets and quotes before a word, after a blank


def split_to_limit(passage: Passage, layout: Layout, limit: int) -> Iterator[Passage]:
    """Yield the passage as it is, or in segments of at most ``limit`` tokens, each with its layout.

    The layout of the whole passage is shared by the segments: each phone, word and mark is in one of them, and so is
    each character, except for blanks around a cut. A cut sounds like one in a sentence that is long for other reasons:
    an existing silence ends the segment before it; otherwise the silence there is as short as the voice can make it. A
    word that is longer than a segment is divided like its phones: each segment has a word of some of its letters.

    :param layout: the layout of the passage.
    """
    if len(layout.rows) <= limit:
        yield replace(passage, layout=layout)
        return
    rows = best_cuts(layout, limit)
    positions = [0, *(_position(passage, layout, row) for row in rows[1:-1]), len(passage.text)]
    for number, ((first, end), (start, stop)) in enumerate(zip(pairwise(rows), pairwise(positions), strict=True)):
        segment = _text_segment(passage, start, stop)
        if number:
            segment = replace(segment, leading_silence=0.0)
        if end != rows[-1]:
            segment = replace(segment, ending="," if layout.rows[end - 1].silent else " ")
        yield replace(segment, layout=_layout_segment(passage, layout, first, end, passage.start - segment.start))


def _text_segment(passage: Passage, start: int, stop: int) -> Passage:
    """Return the passage of ``text[start:stop]``, stripped, without what the layout already contains."""
    text = passage.text[start:stop]
    start += len(text) - len(text.lstrip())
    text = text.strip()
    return replace(
        passage,
        text=text,
        start=passage.start + passage.span(start, start)[0],
        origins=None if passage.origins is None else passage.origins[start : start + len(text)],
        inserts=tuple(
            insert._replace(position=insert.position - start)
            for insert in passage.inserts
            if start <= insert.position < start + len(text)
        ),
        breaks=(),
        prosody_spans=(),
        bookmarks=(),
    )


def _position(passage: Passage, layout: Layout, row: int) -> int:
    """Return the first character of the segment that begins with a row."""
    number = bisect_right(layout.words, row, key=_FIRST_TOKEN) - 1
    word = layout.words[number]
    position = layout.rows[word.first_token].position
    if row > word.first_token:
        return position + _letters_before(passage, layout, word, row)
    previous = layout.words[number - 1]
    previous_end = layout.rows[previous.first_token].position + _length(passage, layout, previous)
    opening = _OPENING.search(passage.text[previous_end:position])
    return position - len(opening[1]) if opening else position


def _length(passage: Passage, layout: Layout, word: Word) -> int:
    """Return the number of characters of a word in the passage's text."""
    return 1 if passage.text[layout.rows[word.first_token].position] == PLACEHOLDER else len(word.text)


def _letters_before(passage: Passage, layout: Layout, word: Word, row: int) -> int:
    """Return the number of characters of a word that count as spoken before a row inside or after it."""
    return math.ceil(_length(passage, layout, word) * (row - word.first_token) / word.tokens)


def _layout_segment(passage: Passage, layout: Layout, first: int, end: int, shift: int) -> Layout:
    """Return the layout of a segment: the rows from ``first`` up to ``end`` between silences.

    :param shift: added to indices in the request's text, so that they count from the start of the segment.
    """
    rows = layout.rows
    begins, ends = first == 1, end == len(rows) - 1
    body = rows[first:end]
    opening = rows[0] if begins else body[0]._replace(phone=Phone("pau"), seconds=0.0)
    if not body[0].phone.word:  # a word continues
        name = next(rows[row].phone.word for row in range(first - 1, 0, -1) if rows[row].phone.word)
        body[0] = body[0]._replace(phone=body[0].phone._replace(word=name))
    if ends:
        closing = rows[end]
    elif body[-1].silent:
        closing = body.pop()
    else:
        closing = body[-1]._replace(phone=Phone("pau"), seconds=math.nan)
    marks = [
        mark._replace(start=mark.start + shift, end=mark.end + shift, token=mark.token - first + 1)
        for mark in layout.marks
        if (first <= mark.token or begins) and (mark.token < end or ends)
    ]
    return Layout([opening, *body, closing], list(_words_between(passage, layout, first, end, shift)), marks)


def _words_between(passage: Passage, layout: Layout, first: int, end: int, shift: int) -> Iterator[Word]:
    """Yield the words of the rows from ``first`` up to ``end``, each with the letters that are spoken there."""
    for number in range(max(0, bisect_right(layout.words, first, key=_FIRST_TOKEN) - 1), len(layout.words)):
        word = layout.words[number]
        word_end = word.first_token + word.tokens
        begin, after = max(first, word.first_token), min(end, word_end)
        if after <= begin:
            break
        start, stop = (_letters_before(passage, layout, word, row) for row in (begin, after))
        if start == stop:
            continue
        position = layout.rows[word.first_token].position
        span = passage.span(position + start, position + stop)
        text = word.text if stop - start == _length(passage, layout, word) else word.text[start:stop]
        tokens = after - begin - (after < word_end and layout.rows[after - 1].silent)
        yield Word(text, span[0] + shift, span[1] + shift, begin - first + 1, tokens)
