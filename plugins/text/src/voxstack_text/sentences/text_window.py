"""A window that moves over text as it arrives, from the start of one sentence to the next."""

from __future__ import annotations

import re
from collections.abc import Iterator

from voxstack import RequestError
from voxstack.streaming.turn import waiting
from voxstack_text.sentences.sentence_ends import certain_end, first_end

_BLANK_LINE = re.compile(r"\n\s*\n")
_BLANKS = re.compile(r"\s*")
_TYPICAL = 250  # characters that mostly contain the end of a sentence


class TextWindow:
    """The paragraph from the start of a sentence on, as far as it has arrived and is needed.

    :param text: the whole text, or an iterator of its parts.
    :param reach: characters after which an open quotation counts as never opened.
    :param language: two letters, for the rules that find the sentences.
    """

    def __init__(self, text: str | Iterator[str], reach: int, language: str) -> None:
        self.language = language
        self._text: str = text if isinstance(text, str) else ""
        self._parts: Iterator[str] | None = None if isinstance(text, str) else text
        self._position = 0  # of the window in the text that is held
        self._dropped = 0  # characters that are not held any more
        self._before = 0  # start of the previous sentence, by which the library distinguishes numbers in lists
        self._reach = reach
        self.view = ""
        """The text in the window."""
        self.end: int | None = None
        """End of its first sentence, if that is known."""
        self.full = False
        """Whether the view has its maximal length, however much text there is."""

    @property
    def start(self) -> int:
        """Index of its first character in the whole text."""
        return self._dropped + self._position

    def look(self) -> bool:
        """Update the view from the text that has arrived; return False at the end of the text."""
        while self._at_blank():
            if self._parts is None:
                return False
            self.grow()
        stop = min(self._position + 4 * self._reach, len(self._text))
        blank = _BLANK_LINE.search(self._text, self._position, stop)
        self.view = self._text[self._position : blank.start() if blank else stop]
        self.full = len(self.view) == 4 * self._reach
        self.end = self._find_end(final=blank is not None or (self._parts is None and stop == len(self._text)))
        return True

    def drop(self, count: int, sentence: bool) -> None:
        """Move the window forward by ``count`` characters.

        :param sentence: whether a sentence ends there.
        """
        keep = sentence and count <= self._reach and count < len(self.view)
        self._before = self._position if keep else self._position + count
        self._position += count

    def grow(self) -> None:
        """Wait for the next part of the text.

        :raises RequestError: if it is not a ``str``.
        """
        assert self._parts is not None, "a whole text ends in a sentence"
        with waiting():
            part = next(self._parts, None)
        if part is None:
            self._parts = None
            return
        if not isinstance(part, str):
            raise RequestError(
                f"Sentences: a part of the text is a {type(part).__name__}, {part!r:.40}; give an iterator of str"
            )
        self._dropped += self._before
        self._text = self._text[self._before :] + part
        self._position, self._before = self._position - self._before, 0

    def close(self) -> None:
        """Close the iterator that the text comes from, if it has a ``close`` method."""
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()

    def _at_blank(self) -> bool:
        """Move to the next character that is not a blank; return True if it has not arrived yet."""
        match = _BLANKS.match(self._text, self._position)
        self._position = match.end() if match else self._position
        return self._position == len(self._text)

    def _find_end(self, final: bool) -> int | None:
        """Return the end of the first sentence, or None while it is uncertain.

        It tries longer and longer beginnings, of the same lengths however much text has arrived.

        :param final: whether the paragraph ends with the view.
        """
        before = self._text[self._before : self._position]
        for size in (_TYPICAL, *range(self._reach // 2, len(self.view), self._reach // 2)):
            if size >= len(self.view):
                break
            found = certain_end(before, self.view[:size], self._reach, self.language)
            if found is not None:
                return found
        if final:
            return first_end(before, self.view, self.language)
        return certain_end(before, self.view, self._reach, self.language)
