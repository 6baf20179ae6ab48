"""Text from an asynchronous iterator, read by a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from concurrent.futures import CancelledError


class BlockingIterator(Iterator[str]):
    """A blocking iterator over an asynchronous one, for a thread that waits while the event loop goes on.

    Each item is requested when it is needed, so nothing accumulates. Create and close it in the event loop of
    ``source``; closing it ends the iteration of a waiting thread.
    """

    def __init__(self, source: AsyncIterable[str]) -> None:
        self._source: AsyncIterator[str] = aiter(source)
        self._loop = asyncio.get_running_loop()
        self._pending: asyncio.Task[str | None] | None = None
        self._closed = False

    def __next__(self) -> str:
        try:
            text = asyncio.run_coroutine_threadsafe(self._request(), self._loop).result()
        except CancelledError:
            text = None
        if text is None:
            raise StopIteration
        return text

    async def _request(self) -> str | None:
        if self._closed:
            return None
        self._pending = asyncio.ensure_future(anext(self._source, None))
        return await self._pending

    async def aclose(self) -> None:
        """End the iteration, and close the source if it can be closed."""
        self._closed = True
        if self._pending is not None and not self._pending.done():
            self._pending.cancel()
            await asyncio.wait([self._pending])
        close = getattr(self._source, "aclose", None)
        if close is not None:
            await close()
