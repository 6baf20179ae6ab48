"""The way in which a stream is computed and passed on; it changes nothing of the samples."""

from __future__ import annotations

import math
from collections.abc import AsyncIterable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from typing import NamedTuple

from voxstack.errors import RequestError
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

    def check(self, name: str) -> None:
        """Check what a caller has set.

        :param name: of the voice.
        :raises RequestError: if the start is no number of samples.
        """
        if isinstance(self.start, bool) or not isinstance(self.start, int) or self.start < 0:
            raise RequestError(f"{name}: start is {self.start!r}, and must be a number of samples from 0 on")


def readable(
    text: str | Iterable[str] | AsyncIterable[str],
) -> AbstractAsyncContextManager[str | Iterable[str]]:
    """Provide a text that a thread can read.

    No generator does that: a loop that shuts down would close it before the stream that uses it.
    """
    if not isinstance(text, AsyncIterable):
        return nullcontext(text)
    from voxstack_voice.async_text import BlockingIterator  # asyncio takes as long to import as the core

    return aclosing(BlockingIterator(text))
