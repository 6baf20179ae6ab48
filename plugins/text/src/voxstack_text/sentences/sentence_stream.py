"""Sentences of a text of any length, found as they are needed, also while the text is still being written."""
# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are what this is about

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from itertools import accumulate
from typing import NamedTuple

from voxstack import RequestError
from voxstack.streaming.turn import waiting
from voxstack_text.passage import STAND_IN
from voxstack_text.sentences.phrase_cuts import behind_mark, cut, first_phrase

_BLANK_LINE = re.compile(r"\n\s*\n")
_BLANKS = re.compile(r"\s*")
_LETTER = re.compile(r"[^\W_]")
_NEXT_WORD = re.compile(r"\W*\w+\W")
_APOSTROPHE = re.compile(r"(?<=\w)['’](?=\w)|['’](?=(?:\d\ds?|em|tis|twas|cause|til|n)\b)")
_OPENING = re.compile(r"(?<![^\s(\[{“‘\"'—–-])[\"'](?=[^\s.,;:!?)\]}])")
_QUOTES = str.maketrans({'"': "”", "'": "’", "`": "*"})
_CLOSERS = ("’”»›」》", ")")
"""What ends any quotation, and any parenthesis, that may be open for the library."""

_MOSTLY = 250  # characters that are mostly enough to find the end of a sentence in
_LOOK_BEHIND = 64  # characters behind an end that can matter to the library, amply: it looks at 30


class Segment(NamedTuple):
    """A sentence, or a piece of one: ``text`` stands at ``start``.

    :param ending: ``""`` at the end of a sentence; inside one ``","`` for a cut behind a mark, ``" "`` for another.
    :param opens: whether a sentence begins with it.
    """

    start: int
    text: str
    ending: str
    opens: bool


def segments(
    text: str | Iterator[str], first: int = 200, longest: int = 500, language: str = "en"
) -> Generator[Segment, None, None]:
    """Yield the sentences of a text that have something to pronounce, stripped, each as soon as its end is certain.

    Paragraphs, apart by blank lines, end sentences; inside them the library sentencex finds the ends, once straight quotes
    have been made curly (:func:`with_clear_quotes`). It sees a window that begins one sentence before the one whose end is
    looked for, so memory does not grow with the text. An end that it finds counts if nothing that may follow can change it:
    the next word is there, and no quotation or parenthesis is open. One that stays open for more than 2000 characters (for an
    iterator 500, as somebody may be waiting) counts as never opened: from there to the end of that paragraph, sentences may be
    others than those that the library finds in the paragraph as a whole, and may depend on how an iterator cuts the text. But
    for that, what is found depends on the text alone, not on how it is cut, nor on when the pieces come.

    :param text: the whole, or its pieces as they come; of an iterator, the first phrase is given out as soon as it is there.
        An iterator with a ``close`` method is closed when this generator is.
    :param first: characters of the first piece at most, so that audio begins early.
    :param longest: characters of the others at most. Longer sentences are cut, see :func:`voxstack_text.sentences.phrase_cuts.cut`.
    :param language: two letters; in another one than English, whatever has a letter or a digit counts as something to pronounce.
    :raises RequestError: if a piece is no ``str``. What the iterator raises goes through as it is.
    """
    whole = isinstance(text, str)
    window = _Window(text, max(2000 if whole else 500, first, longest), language)
    try:
        yield from _segments(window, first, longest, eager=not whole)
    finally:
        window.close()


def _segments(window: _Window, first: int, longest: int, eager: bool) -> Iterator[Segment]:
    spoken = _spoken_in(window.language)
    limit, opens = first, True
    done = 0  # characters of the sentence that have been given out
    while window.look():
        view, end = window.view, window.end
        stop = _phrase_end(view, end, limit, window.language) if eager else None
        stop = _piece_end(window, done, limit) if stop is None else stop
        if stop is None and not window.full:
            window.grow()
            continue
        piece = view[done:stop] if stop is not None else ""
        ends = stop is not None and stop == end
        text = piece.strip()
        if spoken(text) or STAND_IN in text:
            ending = "" if ends else "," if behind_mark(piece) else " "
            yield Segment(window.start + done + piece.index(text), text, ending, opens)
            limit, eager, opens = longest, False, False
        done += len(piece)
        if stop is None or ends:
            window.drop(done, sentence=ends)
            done, opens = 0, opens or ends


def _spoken_in(language: str) -> Callable[[str], object]:
    """Tells whether there is something in a text to pronounce."""
    if language != "en":
        return _LETTER.search
    from voxstack_text.normalise.normaliser import (
        pronounceable,  # its rules take a while to compile, and looking for plugins needs none
    )

    return pronounceable


def _phrase_end(view: str, end: int | None, limit: int, language: str) -> int | None:
    """Where the first phrase of a sentence ends, unless the sentence itself ends before that, or might."""
    place = first_phrase(view)
    if place is None or place > limit or (end is not None and end <= place):
        return None
    return place if _is_one(view[:place], language) else None


def _piece_end(window: _Window, done: int, limit: int) -> int | None:
    """Where the next piece of a sentence ends, or None while that is not known."""
    view, end = window.view, window.end
    if end is not None and len(view[:end].rstrip()) - done <= limit:
        return end
    seen = done + limit + _LOOK_BEHIND
    if end is not None or (len(view) >= seen and (window.full or _is_one(view[:seen], window.language))):
        return cut(view, done, done + limit)
    return None


def _is_one(text: str, language: str) -> bool:
    """Whether no sentence might end inside the text."""
    return len(_ends(text, language)) < 2


def _ends(text: str, language: str) -> list[int]:
    """Where the sentences of a paragraph end, as the library finds them; blanks behind a sentence belong to it."""
    from sentencex import segment  # type: ignore[import-untyped]  # compiled code, not needed to look at the block

    return list(accumulate(map(len, segment(language, with_clear_quotes(text)))))


def with_clear_quotes(text: str) -> str:
    """Replace quotes that open and close alike, character by character, and apostrophes.

    The library pairs such quotes by counting them in the whole paragraph, apostrophes too: what comes later would change
    what was a sentence.
    """
    text = _APOSTROPHE.sub("x", text)
    return _OPENING.sub(lambda match: "“" if match[0] == '"' else "‘", text).translate(_QUOTES)


def _first_end(before: str, text: str, language: str) -> int:
    """Where the first sentence of ``text`` ends, which stands behind the sentence ``before``."""
    ends = [end - len(before) for end in _ends(before + text, language)]
    if before and 0 not in ends:
        return _first_end("", text, language)
    return next(end for end in ends if end > 0)


def _certain_end(before: str, text: str, reach: int, language: str) -> int | None:
    """Where the first sentence of ``text`` ends, whatever follows the text, or None if that cannot be told.

    :param before: the sentence before it in the same paragraph.
    :param reach: characters after which an open quotation counts as never opened.
    """
    end = _first_end(before, text, language)
    if end == len(text):
        return None
    closed = all(_first_end(before, text + closer, language) == end for closer in _CLOSERS)
    return end if (closed and _NEXT_WORD.match(text, end)) or len(text) - end >= reach else None


class _Window:
    """The paragraph from the beginning of a sentence on, as far as it is there and needed.

    :param reach: characters after which an open quotation counts as never opened.
    """

    def __init__(self, text: str | Iterator[str], reach: int, language: str) -> None:
        self.language = language
        self._text: str = text if isinstance(text, str) else ""
        self._pieces: Iterator[str] | None = None if isinstance(text, str) else text
        self._at = self._gone = 0  # where the window begins in the text that is held, and what was before that text
        self._before = 0  # where the sentence before begins, by which the library tells numbers in lists from others
        self._reach = reach
        self.view = ""
        """What the window shows."""
        self.end: int | None = None
        """Where its first sentence ends, if that is known."""
        self.full = False
        """Whether it shows no more, however much there is."""

    @property
    def start(self) -> int:
        """Place of its first character in the text as a whole."""
        return self._gone + self._at

    def look(self) -> bool:
        """Show what is there; false at the end of the text."""
        while self._at_blank():
            if self._pieces is None:
                return False
            self.grow()
        stop = min(self._at + 4 * self._reach, len(self._text))
        blank = _BLANK_LINE.search(self._text, self._at, stop)
        self.view = self._text[self._at : blank.start() if blank else stop]
        self.full = len(self.view) == 4 * self._reach
        self.end = self._find_end(final=blank is not None or (self._pieces is None and stop == len(self._text)))
        return True

    def drop(self, count: int, sentence: bool) -> None:
        """Go on by so many characters, up to the end of a sentence or not."""
        more = sentence and count <= self._reach and count < len(self.view)
        self._before = self._at if more else self._at + count
        self._at += count

    def grow(self) -> None:
        """Wait for the next piece of text."""
        assert self._pieces is not None, "a whole text ends in a sentence"
        with waiting():
            piece = next(self._pieces, None)
        if piece is None:
            self._pieces = None
            return
        if not isinstance(piece, str):
            raise RequestError(
                f"Sentences: a piece of the text is a {type(piece).__name__}, {piece!r:.40}; give an iterator of str"
            )
        self._gone += self._before
        self._text = self._text[self._before :] + piece
        self._at, self._before = self._at - self._before, 0

    def close(self) -> None:
        """End the iterator that the text comes from, if it can be ended."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()

    def _at_blank(self) -> bool:
        """Go on to the next character that is no blank; true if there is none yet."""
        match = _BLANKS.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._at == len(self._text)

    def _find_end(self, final: bool) -> int | None:
        """Look at ever longer beginnings, the same ones however much is there."""
        before = self._text[self._before : self._at]
        for size in (_MOSTLY, *range(self._reach // 2, len(self.view), self._reach // 2)):
            if size >= len(self.view):
                break
            found = _certain_end(before, self.view[:size], self._reach, self.language)
            if found is not None:
                return found
        if final:
            return _first_end(before, self.view, self.language)
        return _certain_end(before, self.view, self._reach, self.language)
