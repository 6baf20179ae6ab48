"""Text that arrives in parts, kept so that another replica can have it again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable
from contextlib import suppress


class TextRelay:
    """The parts of a text as they arrive.

    :param source: of the text; it is read as fast as it gives.
    :param changed: called when there is more.
    """

    def __init__(self, source: AsyncIterable[str], changed: Callable[[], None]) -> None:
        self.parts: list[str] = []
        self.ended = False
        self.error: Exception | None = None
        self._source, self._changed = source, changed
        self._reading = asyncio.ensure_future(self._read())

    @property
    def complete(self) -> bool:
        """True if there are no more parts, as the text has ended or its source has failed."""
        return self.ended or self.error is not None

    async def aclose(self) -> None:
        """Read no more."""
        self._reading.cancel()
        await asyncio.wait({self._reading})
        close = getattr(self._source, "aclose", None)
        if close is not None:
            with suppress(RuntimeError):  # it is being read elsewhere
                await close()

    async def _read(self) -> None:
        try:
            async for part in self._source:
                self.parts.append(part)
                self._changed()
            self.ended = True
        except Exception as error:
            self.error = error
        self._changed()
