"""One stream of a voice while it runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import Future
from types import TracebackType

import numpy as np

from voxstack.blocks import Block, StreamableBlock, Utterance, close
from voxstack.errors import BlockError, RequestError, StackError
from voxstack.schedule import Playback
from voxstack.scheduler import Scheduler, Ticket
from voxstack.speech import Chunk
from voxstack.timeline import Timeline


class Speaking:
    """Draws the chunks of one request from a stack, in turns of a scheduler.

    :param name: of the voice, under which the scheduler counts the stream.
    :param utterance: a request, with its ``timeline`` and, in its ``schedule``, its playback.
    """

    def __init__(self, name: str, block: StreamableBlock, utterance: Utterance, scheduler: Scheduler) -> None:
        self._name, self._scheduler = name, scheduler
        self._timeline: Timeline = utterance["timeline"]
        self._playback: Playback = utterance["schedule"].playback
        self._frames = block.stream(iter(()), utterance)
        self._start = 0
        self._ticket: Ticket | None = None

    def chunks(self) -> Iterator[Chunk]:
        """Yield the chunks, each made on the calling thread when it is asked for."""
        try:
            while True:
                with self._ask().turn():
                    chunk = self._next()
                if chunk is None:
                    return
                yield chunk
        finally:
            self._close()

    async def chunks_ahead(self) -> AsyncGenerator[Chunk, None]:
        """Yield the chunks, each made on a thread of the scheduler while the one before it is with the caller."""
        import asyncio  # takes as long to import as the core

        making = self._submit()
        try:
            while (chunk := await asyncio.wrap_future(making)) is not None:
                making = self._submit()
                yield chunk
        finally:  # what is being made now cannot be stopped, only be waited for, and not here
            making.cancel()
            making.add_done_callback(lambda _: self._ask().submit(self._close))

    def _submit(self) -> Future[Chunk | None]:
        return self._ask().submit(self._next)

    def _ask(self) -> Ticket:
        """The next chunk is wanted from now on; before the first, ask whether there is room for a stream."""
        if self._ticket is None:
            self._ticket = self._scheduler.admit(self._name, self._playback.deadline, refuse=self._playback.live)
            self._playback.speed = self._ticket.speed
        return self._ticket

    def _next(self) -> Chunk | None:
        """Make a chunk, or None at the end. Runs in a turn of the scheduler."""
        try:
            samples = next(self._frames, None)
            while samples is not None and not len(samples):
                samples = next(self._frames, None)
        except RequestError:
            raise
        except Exception as error:
            raise BlockError(*_told(error)) from error
        assert self._ticket is not None
        if samples is None:
            rest = self._timeline.take(float("inf"))
            return Chunk(np.zeros(0, np.float32), self._start, rest) if rest else None
        if samples.ndim != 1:
            raise StackError(
                "stack", f"a voice ends in samples, (samples,), and this one gave the shape {samples.shape}"
            )
        start, self._start = self._start, self._start + len(samples)
        self._playback.gave(len(samples))
        self._ticket.made(len(samples) / self._playback.sample_rate)
        return Chunk(
            np.asarray(samples, np.float32), start, self._timeline.take(self._start / self._playback.sample_rate)
        )

    def _close(self) -> None:
        close(self._frames)
        if self._ticket is not None:
            self._ticket.leave()


def _told(error: Exception) -> tuple[str, str]:
    """Where in the stack an error was raised, and what it says."""
    block = _innermost(error.__traceback__)
    where = block.stack_path if block is not None and block.stack_path else "stack"
    kind = f"{type(block).__name__}: " if block is not None and not str(error).startswith(type(block).__name__) else ""
    return where, f"{kind}{type(error).__name__}: {error}"


def _innermost(trace: TracebackType | None) -> Block | None:
    """The block in whose method an error was raised, whatever blocks lie around it and on whichever thread it ran."""
    found = None
    while trace is not None:
        owner = trace.tb_frame.f_locals.get("self")
        if isinstance(owner, Block):
            found = owner
        trace = trace.tb_next
    return found
