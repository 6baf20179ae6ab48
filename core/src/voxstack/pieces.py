"""Text that arrives asynchronously, read by a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from concurrent.futures import CancelledError


class Pieces(Iterator[str]):
    """A plain iterator over an asynchronous one, for a thread to wait at while the event loop goes on.

    A piece is asked for when it is wanted, so nothing piles up. Made in the loop that ``source`` belongs to, and closed there:
    whoever waits then finds the end.
    """

    def __init__(self, source: AsyncIterable[str]) -> None:
        self._source: AsyncIterator[str] = aiter(source)
        self._loop = asyncio.get_running_loop()
        self._asking: asyncio.Task[str | None] | None = None
        self._closed = False

    def __next__(self) -> str:
        try:
            piece = asyncio.run_coroutine_threadsafe(self._ask(), self._loop).result()
        except CancelledError:
            piece = None
        if piece is None:
            raise StopIteration
        return piece

    async def _ask(self) -> str | None:
        if self._closed:
            return None
        self._asking = asyncio.ensure_future(anext(self._source, None))
        return await self._asking

    async def aclose(self) -> None:
        """Stop asking, and close the source where it can be closed."""
        self._closed = True
        if self._asking is not None and not self._asking.done():
            self._asking.cancel()
            await asyncio.wait([self._asking])
        end = getattr(self._source, "aclose", None)
        if end is not None:
            await end()
