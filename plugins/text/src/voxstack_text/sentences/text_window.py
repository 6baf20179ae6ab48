"""A window that moves over text as it arrives, from the start of one sentence to the next."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from voxstack_text.sentences.sentence_ends import (
    all_ends,
    certain_ends,
    is_one_sentence,
    may_hold_end,
    may_settle,
    short_sentences,
)
from voxstack_text.whole_text import has_failed, is_complete, next_part

_BLANK_LINE = re.compile(r"\n\s*\n")
_BLANKS = re.compile(r"\s*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_TYPICAL = 250  # characters that mostly contain the end of a sentence
_LOOKBACK = 64  # characters before new ones that matter to the library, amply: it looks at 30
_BLOCK = 65536  # characters that are checked at once for lone surrogates


class TextWindow:
    """The paragraph from the start of a sentence on, as far as it has arrived and is needed.

    Time is in proportion to the text, whatever it is: a beginning of the paragraph in which no end is certain is not
    searched again, and where ends are certain only far ahead, many are found at once. Lone surrogates, which are no
    characters, are replaced.

    :param text: the whole text, or an iterator of its parts.
    :param reach: characters after which an open quotation counts as never opened.
    :param language: two letters, for the rules that find the sentences.
    """

    def __init__(self, text: str | Iterator[str], reach: int, language: str) -> None:
        self.language = language
        self._text: str = text if isinstance(text, str) else ""
        self._checked = 0  # characters held that are no lone surrogates
        self._parts: Iterator[str] | None = None if isinstance(text, str) else text
        self._position = 0  # of the window in the text that is held
        self._broken = False  # whether the source of the parts failed
        self._dropped = 0  # characters that are not held any more
        self._before = 0  # start of the previous sentence, by which the library distinguishes numbers in lists
        self._reach = reach
        self.view = ""
        """The text in the window."""
        self.full = False
        """Whether the view has its maximal length, however much text there is."""
        self._ends: deque[int] = deque()  # of its first sentences in the whole text, as far as they are known
        self._searched = 0  # length of the longest beginning in which no end is certain
        self._uncertain: int | None = None  # the first end in it
        self._single: dict[int, bool] = {}  # whether beginnings of these lengths are one sentence

    @property
    def start(self) -> int:
        """Index of its first character in the whole text."""
        return self._dropped + self._position

    @property
    def end(self) -> int | None:
        """End of its first sentence, if that is known."""
        return self._ends[0] - self.start if self._ends else None

    def look(self) -> bool:
        """Update the view from the text that has arrived; return False at the end of the text."""
        while self._at_blank():
            if self._parts is None:
                return False
            self.grow()
        stop = min(self._position + 4 * self._reach, len(self._text))
        if stop > self._checked:
            self._replace_surrogates(stop)
        blank = _BLANK_LINE.search(self._text, self._position, stop)
        self.view = self._text[self._position : blank.start() if blank else stop]
        self.full = len(self.view) == 4 * self._reach
        if not self._ends:
            self._find_ends(final=blank is not None or (self._parts is None and stop == len(self._text)))
        return True

    def drop(self, count: int, sentence: bool) -> None:
        """Move the window forward by ``count`` characters, at least one.

        :param sentence: whether a sentence ends there.
        """
        keep = sentence and count <= self._reach and count < len(self.view)
        self._before = self._position if keep else self._position + count
        self._position += count
        while self._ends and self._ends[0] <= self.start:
            self._ends.popleft()
        self._searched, self._uncertain, self._single = 0, None, {}

    def grow(self) -> None:
        """Wait for the next part of the text.

        :raises RequestError: if it is not a ``str``.
        :raises CancelledError: if the stream was closed.
        """
        assert self._parts is not None, "a whole text ends in a sentence"
        part = next_part(self._parts, "Sentences")
        if part is None:
            self._broken, self._parts = has_failed(self._parts), None
            return
        self._dropped += self._before
        self._text = self._text[self._before :] + part
        self._checked = max(0, self._checked - self._before)
        self._position, self._before = self._position - self._before, 0

    def is_cut_off(self, end: int) -> bool:
        """Return whether the view up to ``end`` is all before the source failed, and is no complete sentence."""
        return self._broken and self._position + end == len(self._text) and not is_complete(self.view[:end])

    def close(self) -> None:
        """Close the iterator that the text comes from, if it has a ``close`` method."""
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()

    def is_one_sentence(self, length: int) -> bool:
        """Return whether no sentence might end inside the first ``length`` characters of the view."""
        if length not in self._single:
            self._single[length] = is_one_sentence(self.view[:length], self.language)
        return self._single[length]

    def _at_blank(self) -> bool:
        """Move to the next character that is not a blank; return True if it has not arrived yet."""
        match = _BLANKS.match(self._text, self._position)
        assert match is not None
        self._position = match.end()
        if self._position - self._before > 2 * self._reach:  # a long blank: what is before it need not be held
            self._before = self._position
        return self._position == len(self._text)

    def _find_ends(self, final: bool) -> None:
        """Find ends of the first sentences, none while they are uncertain.

        It tries longer and longer beginnings, of the same lengths however much text has arrived.

        :param final: whether the paragraph ends with the view.
        """
        before, length = self._text[self._before : self._position], len(self.view)
        for size in (_TYPICAL, *range(self._reach // 2, length, self._reach // 2)):
            if size >= length:
                break
            if size > self._searched and self._search(before, size):
                return
        if final:
            ends = all_ends(before, self.view, self.language)
            searched_far = self._uncertain is not None or self._searched > _TYPICAL
            self._know(short_sentences(ends) if searched_far else ends[:1])
        elif self._is_due(length):
            self._search(before, length)

    def _is_due(self, length: int) -> bool:
        """Return whether to search the whole view: what is new in it may end a sentence, and is long enough."""
        new, first = length - self._searched, self._uncertain
        if first is not None and length - first < self._reach and not may_settle(self.view, first, self._searched):
            return False
        return new > 0 and (new > length // 16 or length <= 256 or self.full)

    def _search(self, before: str, size: int) -> bool:
        """Search a beginning of the view for ends that are certain; return whether there are any."""
        if self._uncertain is not None or may_hold_end(self.view[max(0, self._searched - _LOOKBACK) : size]):
            ends, self._uncertain = certain_ends(before, self.view[:size], self._reach, self.language)
            self._know(ends)
        self._searched = size
        return bool(self._ends)

    def _know(self, ends: list[int]) -> None:
        self._ends.extend(self.start + end for end in ends)

    def _replace_surrogates(self, stop: int) -> None:
        """Replace lone surrogates up to ``stop`` at least, one character for one."""
        stop = min(stop + _BLOCK, len(self._text))
        if not self._text.isascii() and _SURROGATE.search(self._text, self._checked, stop):
            self._text = _SURROGATE.sub("\ufffd", self._text)
            stop = len(self._text)
        self._checked = stop
