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
    def place(self) -> Iterator[Place]:
        """Provide a place for streams that follow one another, which is given back when the block inside ends."""
        place = Place(self)
        try:
            yield place
        finally:
            place.leave()

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


class Place:
    """A place among the streams that run at once: the first of several streams takes it, and those after it keep it.

    ``proven`` is whether one of them had audio, so that others count on those after it.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits, self._taken = limits, False
        self.proven = False

    def take(self) -> None:
        """Take the place, unless it was taken before.

        :raises CapacityError: if all are taken.
        """
        if self._taken:
            return
        self._limits.check_capacity()
        self._limits.running += 1
        self._taken = True

    def leave(self) -> None:
        """Give the place back. Idempotent."""
        if self._taken:
            self._limits.running -= 1
        self._taken = False
