"""One running stream of a voice."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from voxstack.blocks import Block, StreamableBlock, close
from voxstack.errors import BlockError, RequestError, StackError
from voxstack.streaming.timeline import Timeline
from voxstack.utterance import Utterance
from voxstack_voice.costs import SpeedMeter
from voxstack_voice.playback import Playback
from voxstack_voice.scheduler import Scheduler, Ticket
from voxstack_voice.speech import Chunk

if TYPE_CHECKING:
    from concurrent.futures import Future


class VoiceStream:
    """The chunks of one request, computed in turns of a scheduler.

    :param name: of the voice, under which the scheduler counts the stream.
    :param utterance: a request, with its ``timeline`` and its ``schedule``.
    :param playback: of this stream; its schedule reads it.
    :param meter: measures the stream's speed, which ``playback`` reads.
    """

    def __init__(
        self,
        name: str,
        block: StreamableBlock,
        utterance: Utterance,
        playback: Playback,
        scheduler: Scheduler,
        meter: SpeedMeter,
    ) -> None:
        self._name, self._scheduler, self._meter = name, scheduler, meter
        self._playback = playback
        self._timeline: Timeline = utterance["timeline"]
        self._frames = block.stream(iter(()), utterance)
        self._start = 0
        self._ticket: Ticket | None = None

    def chunks(self) -> Iterator[Chunk]:
        """Yield the chunks, each computed on the calling thread on demand."""
        try:
            while True:
                with self._admit().turn():
                    chunk = self._next()
                if chunk is None:
                    return
                yield chunk
        finally:
            self._close()

    async def chunks_ahead(self) -> AsyncGenerator[Chunk, None]:
        """Yield the chunks, each computed on a thread of the scheduler while the caller has the one before it."""
        import asyncio  # takes as long to import as the core

        pending = self._submit()
        try:
            while (chunk := await asyncio.wrap_future(pending)) is not None:
                pending = self._submit()
                yield chunk
        finally:  # a chunk that is being computed cannot be stopped, only be waited for, and not here
            pending.cancel()
            pending.add_done_callback(lambda _: self._admit().submit(self._close))

    def _submit(self) -> Future[Chunk | None]:
        return self._admit().submit(self._next)

    def _admit(self) -> Ticket:
        """Return the stream's ticket; before the first chunk, ask the scheduler whether there is capacity."""
        if self._ticket is None:
            playback = self._playback
            self._ticket = self._scheduler.admit(self._name, playback.deadline, refuse=playback.live, meter=self._meter)
        return self._ticket

    def _next(self) -> Chunk | None:
        """Compute a chunk, or return None at the end. Runs in a turn of the scheduler."""
        try:
            samples = next(self._frames, None)
            while samples is not None and not len(samples):
                samples = next(self._frames, None)
        except RequestError:
            raise
        except Exception as error:
            raise BlockError(*_located(error)) from error
        assert self._ticket is not None
        if samples is None:
            rest = self._timeline.take(float("inf"))
            return Chunk(np.zeros(0, np.float32), self._start, rest) if rest else None
        if samples.ndim != 1:
            problem = f"a voice ends in samples, (samples,), and this one gave the shape {samples.shape}"
            raise StackError("stack", f"{problem}; end the stack in a block that makes samples")
        start, self._start = self._start, self._start + len(samples)
        self._playback.delivered(len(samples))
        self._ticket.record_audio(len(samples) / self._playback.sample_rate)
        end = self._start / self._playback.sample_rate
        return Chunk(np.asarray(samples, np.float32), start, self._timeline.take(end))

    def _close(self) -> None:
        close(self._frames)
        if self._ticket is not None:
            self._ticket.leave()


def _located(error: Exception) -> tuple[str, str]:
    """Return the path of the block that raised an error, and a description of the error."""
    block = _innermost(error.__traceback__)
    where = block.stack_path if block is not None and block.stack_path else "stack"
    kind = f"{type(block).__name__}: " if block is not None and not str(error).startswith(type(block).__name__) else ""
    return where, f"{kind}{type(error).__name__}: {error}"


def _innermost(trace: TracebackType | None) -> Block | None:
    """Return the innermost block in whose method an error was raised, on whichever thread it ran."""
    found = None
    while trace is not None:
        owner = trace.tb_frame.f_locals.get("self")
        if isinstance(owner, Block):
            found = owner
        trace = trace.tb_next
    return found
