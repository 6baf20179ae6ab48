"""The way in which a stream is computed and passed on; it changes nothing of the samples."""

from __future__ import annotations

import math
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from typing import NamedTuple

from voxstack.streaming.tracing import Trace


def unlimited() -> float:
    """Return how far a stream may go for a listener who takes any audio."""
    return math.inf


class Delivery(NamedTuple):
    """The way in which a stream is computed and passed on; see :meth:`.Voice.astream`.

    :param live: whether somebody listens while the audio is produced.
    """

    live: bool = True
    timeout: float | None = None
    start: int = 0
    trace: Trace | None = None
    horizon: Callable[[], float] = unlimited
    admitted: bool = False


@asynccontextmanager
async def readable(text: str | Iterable[str] | AsyncIterable[str]) -> AsyncIterator[str | Iterable[str]]:
    """Provide a text that a thread can read."""
    if not isinstance(text, AsyncIterable):
        yield text
        return
    from voxstack_voice.async_text import BlockingIterator  # asyncio takes as long to import as the core

    async with aclosing(BlockingIterator(text)) as parts:
        yield parts
