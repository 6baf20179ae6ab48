"""A passage in pieces that have no more tokens than the voice's networks take."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from operator import attrgetter

from voxstack_text.layout import Layout, Word
from voxstack_text.passage import STAND_IN, Passage
from voxstack_text.sentences.cut_search import cuts
from voxstack_text.tokens import Phone

_FIRST_TOKEN = attrgetter("first_token")
_OPENING = re.compile(r"\s(\S*)$")  # brackets and quotes before a word, behind a blank


def pieces(passage: Passage, layout: Layout, most: int) -> Iterator[Passage]:
    """Yield the passage as it is, or in pieces of at most ``most`` tokens, each with its layout.

    What is spoken has been worked out for the whole, and the pieces share it: every phone is in one of them, every word and mark as
    well, and every character, but for blanks around a cut. A cut sounds as one of a sentence that is long for other reasons: a
    silence that was there ends the piece before; where there was none, it is as short as the voice can make it. A word that is
    longer than a piece is shared like its phones: in each piece some of its letters stand as a word.

    :param layout: of the passage.
    """
    if len(layout.rows) <= most:
        yield replace(passage, layout=layout)
        return
    rows = cuts(layout, most)
    places = [0, *(_place(passage, layout, row) for row in rows[1:-1]), len(passage.text)]
    for number, ((first, end), (start, stop)) in enumerate(zip(pairwise(rows), pairwise(places), strict=True)):
        piece = _text(passage, start, stop)
        if number:
            piece = replace(piece, lead=0.0)
        if end != rows[-1]:
            piece = replace(piece, ending="," if layout.rows[end - 1].silent else " ")
        yield replace(piece, layout=_layout(passage, layout, first, end, passage.start - piece.start))


def _text(passage: Passage, start: int, stop: int) -> Passage:
    """The passage from one character up to another, without blanks around; what has had its effect on the layout is left out."""
    text = passage.text[start:stop]
    start += len(text) - len(text.lstrip())
    text = text.strip()
    return replace(
        passage,
        text=text,
        start=passage.start + passage.span(start, start)[0],
        origins=None if passage.origins is None else passage.origins[start : start + len(text)],
        inserts=tuple(
            insert._replace(at=insert.at - start)
            for insert in passage.inserts
            if start <= insert.at < start + len(text)
        ),
        breaks=(),
        manners=(),
        flags=(),
    )


def _place(passage: Passage, layout: Layout, row: int) -> int:
    """The character that a piece begins with whose first row is this one."""
    number = bisect_right(layout.words, row, key=_FIRST_TOKEN) - 1
    word = layout.words[number]
    place = layout.rows[word.first_token].place
    if row > word.first_token:
        return place + _letters(passage, layout, word, row)
    before = layout.words[number - 1]
    gap = passage.text[layout.rows[before.first_token].place + _length(passage, layout, before) : place]
    opening = _OPENING.search(gap)
    return place - len(opening[1]) if opening else place


def _length(passage: Passage, layout: Layout, word: Word) -> int:
    """Characters of the passage's text that a word has."""
    return 1 if passage.text[layout.rows[word.first_token].place] == STAND_IN else len(word.text)


def _letters(passage: Passage, layout: Layout, word: Word, row: int) -> int:
    """Characters of a word that are taken to be spoken before a row inside it or behind it."""
    return math.ceil(_length(passage, layout, word) * (row - word.first_token) / word.tokens)


def _layout(passage: Passage, layout: Layout, first: int, end: int, shift: int) -> Layout:
    """The layout of a piece: these rows between silences.

    :param shift: what is added to places in the request's text, as they are counted from where the piece begins.
    """
    rows = layout.rows
    begins, ends = first == 1, end == len(rows) - 1
    body = rows[first:end]
    opening = rows[0] if begins else body[0]._replace(phone=Phone("pau"), seconds=0.0)
    if not body[0].phone.word:  # a word goes on
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
    return Layout([opening, *body, closing], list(_words(passage, layout, first, end, shift)), marks)


def _words(passage: Passage, layout: Layout, first: int, end: int, shift: int) -> Iterator[Word]:
    """The words of the rows from ``first`` up to ``end``, with those of their letters that are spoken there."""
    for number in range(max(0, bisect_right(layout.words, first, key=_FIRST_TOKEN) - 1), len(layout.words)):
        word = layout.words[number]
        begin, behind = max(first, word.first_token), min(end, word.first_token + word.tokens)
        if behind <= begin:
            break
        start, stop = (_letters(passage, layout, word, row) for row in (begin, behind))
        if start == stop:
            continue
        place = layout.rows[word.first_token].place
        span = passage.span(place + start, place + stop)
        text = word.text if stop - start == _length(passage, layout, word) else word.text[start:stop]
        tokens = behind - begin - (behind < word.first_token + word.tokens and layout.rows[behind - 1].silent)
        yield Word(text, span[0] + shift, span[1] + shift, begin - first + 1, tokens)
