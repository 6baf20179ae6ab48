"""Sentences of a text of any length, found on demand, also while the text is still being written."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple

from voxstack.streaming.turn import check_cancelled
from voxstack_text.passage import PLACEHOLDER
from voxstack_text.sentences.phrase_cuts import cut_position, ends_inside_phones, ends_with_mark, first_phrase_end
from voxstack_text.sentences.text_window import TextWindow

_LETTER = re.compile(r"[^\W_]")
_LOOKAHEAD = 64  # characters after an end that can matter to the library, amply: it looks at 30


class Segment(NamedTuple):
    """A sentence, or a segment of one that was cut.

    :param start: index of its first character in the whole text.
    :param ending: ``""`` at the end of a sentence; inside one ``","`` for a cut after a punctuation mark, ``" "`` for
        another.
    :param opens: whether a sentence begins with it.
    :param phones_before: whether it begins inside double square brackets, where phones were cut.
    :param phones_after: whether it ends inside double square brackets.
    """

    start: int
    text: str
    ending: str
    opens: bool
    phones_before: bool = False
    phones_after: bool = False


def split_sentences(
    text: str | Iterator[str],
    first: int = 200,
    longest: int = 500,
    language: str = "en",
    speaks: Callable[[str], object] | None = None,
    whole: bool | None = None,
) -> Generator[Segment, None, None]:
    """Yield the sentences of a text that have something to pronounce, stripped, each as soon as its end is certain.

    Paragraphs, separated by blank lines, end sentences; inside them the library sentencex finds the ends, once straight
    quotes are made curly (:func:`~voxstack_text.sentences.sentence_ends.with_curly_quotes`). It sees a window that
    begins one sentence before the one whose end is sought, so memory does not grow with the text. An end counts if no
    following text can change it: the next word is there, and no quotation or parenthesis is open. One that stays open
    for more than 2000 characters (500 for an iterator, whose caller may be waiting) counts as never opened: from there
    to the end of that paragraph, sentences may differ from those that the library finds in the paragraph as a whole,
    and may depend on how an iterator cuts the text. Otherwise the result depends on the text alone, not on where it is
    cut or when its parts arrive.

    :param text: the whole text, or an iterator of its parts as they arrive; of an iterator, the first phrase is yielded
        as soon as it has arrived. An iterator with a ``close`` method is closed when this generator is.
    :param first: limit of characters of the first segment, so that audio begins early.
    :param longest: limit of characters of all others. Longer sentences are cut, see
        :func:`voxstack_text.sentences.phrase_cuts.cut_position`.
    :param language: two letters.
    :param speaks: returns whether a text has something to pronounce; by default, what the normaliser would read, and in
        languages other than English, a letter or a digit.
    :param whole: whether all of the text is there, also where an iterator gives it.
    :raises RequestError: if a part is not a ``str``. Errors of the iterator are raised as they are.
    """
    whole = isinstance(text, str) if whole is None else whole
    window = TextWindow(text, max(2000 if whole else 500, first, longest), language)
    try:
        yield from _segments(window, first, longest, not whole, speaks or pronounceable_in(language))
    finally:
        window.close()


def _segments(
    window: TextWindow, first: int, longest: int, eager: bool, is_pronounceable: Callable[[str], object]
) -> Iterator[Segment]:
    limit, opens, phones = first, True, False
    done = 0  # characters of the sentence that have been yielded, or skipped
    more = window.look()
    while more:  # each time, the window grows, or ``done`` does, or the window moves
        check_cancelled()
        view, end = window.view, window.end
        stop = _first_phrase_end(window, done, limit, is_pronounceable) if eager else None
        stop = _segment_end(window, done, limit) if stop is None else stop
        if stop is None and not window.full:
            window.grow()
            more = window.look()
            continue
        segment = view[done:stop] if stop is not None else ""
        ends = stop is not None and stop == end
        text = segment.strip()
        inside, phones = phones, not ends and (ends_inside_phones(segment, phones) if segment else phones)
        cut_off = ends and stop is not None and window.is_cut_off(stop)
        if not cut_off and (is_pronounceable(text) or PLACEHOLDER in text):
            ending = "" if ends else "," if ends_with_mark(segment) else " "
            yield Segment(window.start + done + segment.index(text), text, ending, opens, inside, phones)
            limit, eager, opens = longest, False, False
        done += len(segment)
        if stop is None or ends:
            window.drop(done, sentence=ends)
            done, opens = 0, opens or ends
            more = window.look()


def pronounceable_in(language: str) -> Callable[[str], object]:
    """Return a function that returns whether a text has something to pronounce."""
    if language != "en":
        return _LETTER.search
    # Imported here because compiling patterns takes a while, and discovering plugins does not need them.
    from voxstack_text.normalise.pronounceable import is_pronounceable

    return is_pronounceable


def _first_phrase_end(
    window: TextWindow, done: int, limit: int, is_pronounceable: Callable[[str], object]
) -> int | None:
    """Return the end of the first phrase after ``done``, or None if the sentence ends, or might end, before it."""
    position = first_phrase_end(window.view[: done + limit + 1], is_pronounceable, done)
    if position is None or position - done > limit or (window.end is not None and window.end <= position):
        return None
    return position if window.is_one_sentence(position) else None


def _segment_end(window: TextWindow, done: int, limit: int) -> int | None:
    """Return the end of the next segment of a sentence, or None while it is unknown."""
    view, end = window.view, window.end
    if end is not None and len(view[:end].rstrip()) - done <= limit:
        return end
    seen = done + limit + _LOOKAHEAD
    if end is not None or (len(view) >= seen and (window.full or window.is_one_sentence(seen))):
        return cut_position(view, done, done + limit)
    return None
