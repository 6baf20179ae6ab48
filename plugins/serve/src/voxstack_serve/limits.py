"""Limits of what clients may request."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from voxstack import CapacityError, RequestError


@dataclass
class Limits:
    """Limits of one service, for all protocols together.

    :param characters: of the text of a stream.
    :param streams: that run at once; None: as many as the scheduler of the voices admits.
    :param stall: seconds in which a client takes over a part of a response; its stream ends otherwise.
    """

    characters: int = 100_000
    streams: int | None = None
    stall: float = 300.0
    running: int = 0

    @property
    def body(self) -> int:
        """Bytes of a request: a text in escaped JSON, with as much for a lexicon."""
        return 24 * self.characters + 65_536

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Count a stream while the block inside runs.

        :raises CapacityError: if it is one too many.
        """
        self.check_capacity()
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1

    def check_capacity(self) -> None:
        """Check whether one more stream may run.

        :raises CapacityError: if not.
        """
        if self.streams is not None and self.running >= self.streams:
            raise CapacityError(f"{self.running} streams run, as many as this service admits; retry later", "streams")

    def check_length(self, count: int) -> None:
        """Check the number of characters of a text.

        :raises RequestError: if there are too many.
        """
        if count > self.characters:
            raise RequestError(f"the text has {count} characters; send at most {self.characters} at once")

    async def counted(self, parts: AsyncIterable[str]) -> AsyncIterator[str]:
        """Yield the parts of a text, up to the limit of its characters.

        :raises RequestError: at the part that exceeds it.
        """
        count = 0
        async for part in parts:
            count += len(part)
            self.check_length(count)
            yield part
