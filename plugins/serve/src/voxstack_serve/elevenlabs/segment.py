"""Text that is synthesized as one: what a client sends from one flush to the next."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator

from voxstack.streaming.timeline import Event, Span

_TAG = re.compile(r"<[^>]*>")
_ENTITY = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'"}
_BARE = re.compile(r"&(?!#?\w+;)")
_CLOSING = re.compile(r"[^\w\s<]*")
_BLANKS = re.compile(r"\s*")


class Segment(AsyncIterator[str]):
    """Parts of a text as they arrive, to be read once; and the text that has been read.

    :param marked: whether the text has tags and entities.
    :param patience: seconds without a message after which the text ends.
    """

    def __init__(self, marked: bool = False, patience: float | None = None) -> None:
        self.text = ""  # as given to the voice
        self.waiting = 0  # characters that the voice has not read
        self.ended = False
        self._marked, self._patience = marked, patience
        self._parts: deque[str] = deque()
        self._touched = asyncio.Event()

    def add(self, part: str) -> None:
        """Add a part at the end of the text."""
        self._parts.append(part)
        self.waiting += len(part)
        self.touch()

    def end(self) -> None:
        """End the text."""
        self.ended = True
        self.touch()

    def touch(self) -> None:
        """Wait for the next part as long as for the one before."""
        self._touched.set()

    async def __anext__(self) -> str:
        if not await self.has_text():
            raise StopAsyncIteration
        part = self._parts.popleft()
        self.waiting -= len(part)
        self.text += part
        return part

    async def document(self) -> str:
        """Return the whole text, once it has ended, as a document of SSML."""
        text = "".join([part async for part in self])
        if not text.lstrip().startswith(("<speak", "<?xml")):
            text = f"<speak>{_BARE.sub('&amp;', text)}</speak>"
        self.text = text
        return text

    async def has_text(self) -> bool:
        """Return whether there is text that has not been read, once that is certain."""
        while not self._parts and not self.ended:
            await self._touch_or_end()
        return bool(self._parts)

    def place(self, word: Event, start: int) -> Span | None:
        """Return the span of a word; for one without a span, where its text comes next from a place on."""
        if word.span is not None:
            return word.span
        first = self.text.find(word.text, start)
        return None if first < 0 else (first, first + len(word.text))

    def shown(self, start: int, end: int | None = None) -> str:
        """Return a part of the text without tags."""
        text = self.text[start:end]
        if self._marked:
            text = _TAG.sub("", text)
            for entity, character in _ENTITY.items():
                text = text.replace(entity, character)
        return text

    def closing_marks(self, start: int) -> str:
        """Return the punctuation at a place of the text."""
        return self._match(_CLOSING, start)

    def blanks(self, start: int) -> str:
        """Return the blanks at a place of the text."""
        return self._match(_BLANKS, start)

    def _match(self, pattern: re.Pattern[str], start: int) -> str:
        found = pattern.match(self.text, start)
        return found[0] if found else ""

    async def _touch_or_end(self) -> None:
        self._touched.clear()
        try:
            async with asyncio.timeout(self._patience):
                await self._touched.wait()
        except TimeoutError:
            self.ended = True
