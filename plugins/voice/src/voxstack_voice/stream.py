"""One running stream of a voice."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Iterator
from typing import TYPE_CHECKING

import numpy as np

from voxstack.blocks import StreamableBlock
from voxstack.errors import CapacityError
from voxstack.streaming.closing import close
from voxstack.streaming.faults import pull
from voxstack.streaming.timeline import Events, Timeline
from voxstack.streaming.tracing import Trace
from voxstack.utterance import Utterance
from voxstack_voice import worker_threads
from voxstack_voice.chunk import Chunk
from voxstack_voice.costs import SpeedMeter
from voxstack_voice.next_samples import next_samples, next_samples_in_time
from voxstack_voice.playback import Playback
from voxstack_voice.request_text import check_end
from voxstack_voice.scheduler import Scheduler
from voxstack_voice.ticket import Ticket

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

_LOG = logging.getLogger("voxstack.voice")

SKIPPED = Chunk(np.zeros(0, np.float32), 0)
"""Stands for chunks that the listener already has."""

SKIPPING = 0.02
"""Seconds of a turn in which as many such chunks are computed as possible: each turn has costs of its own."""


class VoiceStream:
    """The chunks of one request, computed in turns of a scheduler.

    :param name: of the voice, under which the scheduler counts the stream.
    :param utterance: a request, with its ``timeline`` and its ``schedule``.
    :param playback: of this stream; its schedule reads it.
    :param meter: measures the stream's speed, which ``playback`` reads.
    :param timeout: seconds in which each chunk must be computed; None: no limit.
    :param languages: that the voice reads, for an error.
    :param admitted: whether it goes on for a stream that was admitted, and is thus not refused.
    """

    def __init__(
        self,
        name: str,
        block: StreamableBlock,
        utterance: Utterance,
        playback: Playback,
        scheduler: Scheduler,
        meter: SpeedMeter,
        timeout: float | None = None,
        languages: str = "",
        admitted: bool = False,
    ) -> None:
        self._text, self._languages, self._admitted = utterance["text"], languages, admitted
        self._ticket: Ticket | None = None
        self._name, self._scheduler, self._meter = name, scheduler, meter
        self._playback, self._timeout = playback, timeout
        self._timeline: Timeline = utterance["timeline"]
        self._trace: Trace | None = utterance["trace"]
        self._frames = pull(block, iter(()), utterance)
        self._start = 0
        self._unheard = playback.skip / playback.sample_rate  # seconds

    def __repr__(self) -> str:
        return f"VoiceStream({self._name!r}, {self._start / self._playback.sample_rate:.2f} s so far)"

    def __del__(self) -> None:
        """Count the stream as ended, if nothing else did: an event loop may be closed before its streams are."""
        if self._ticket is not None:
            self._ticket.leave()

    def chunks(self) -> Iterator[Chunk]:
        """Yield the chunks, each computed on the calling thread on demand."""
        try:
            while True:
                self._playback.wanted()
                with self._admit().turn():
                    chunk = self._next()
                if chunk is None:
                    return
                if chunk is not SKIPPED:
                    yield chunk
        finally:
            self._close()

    async def chunks_ahead(self) -> AsyncGenerator[Chunk, None]:
        """Yield the chunks, each computed on a thread of the scheduler while the caller has the one before it.

        Where the listener's room is limited, the second one waits until it is requested: what has become of the first
        decides how long it is.
        """
        import asyncio  # takes as long to import as the core

        pending: Future[Chunk | None] | None = None
        awaited: asyncio.Future[Chunk | None] | None = None
        try:
            pending = await self._submit()
            awaited = asyncio.wrap_future(pending)
            await self._begin(pending, awaited)
            waits = self._playback.limited
            while (chunk := await awaited) is not None:
                if waits and chunk is not SKIPPED:
                    waits = False
                    yield chunk
                    chunk = SKIPPED
                pending = await self._submit()
                if chunk is not SKIPPED:
                    yield chunk
                awaited = asyncio.wrap_future(pending)
        finally:  # a chunk that is being computed cannot be stopped, only be waited for, and not here
            if self._ticket is not None:
                self._ticket.cancelled = True
            if awaited is not None:
                awaited.cancel()  # else asyncio would log its error, which there is no one to take
            if pending is None:
                self._close()
            else:
                pending.cancel()
                pending.add_done_callback(lambda _: self._close_on_a_thread())

    async def _begin(self, pending: Future[Chunk | None], awaited: asyncio.Future[Chunk | None]) -> None:
        """Wait until the first chunk is being computed.

        :raises CapacityError: if that takes longer than the scheduler's patience.
        """
        import asyncio

        assert self._ticket is not None, "the first chunk was submitted"
        left = self._ticket.patience()
        if left < 0:
            return
        await asyncio.wait([awaited], timeout=left)
        if not pending.done() and pending.cancel():
            raise self._ticket.refuse()

    async def _submit(self) -> Future[Chunk | None]:
        """Let a thread compute the next chunk.

        :raises CapacityError: if no thread can be started for some time.
        """
        import asyncio

        self._playback.wanted()
        for _ in range(worker_threads.RETRIES):
            try:
                return self._admit().submit(self._next)
            except RuntimeError as error:
                failure = error
            await asyncio.sleep(worker_threads.RETRY_PAUSE)
        raise CapacityError(
            f"{self._name}: no thread can be started ({failure}); try again, or raise the limit", "threads"
        ) from failure

    def _close_on_a_thread(self) -> None:
        """Close the blocks where they may compute, not in the event loop."""
        try:
            self._admit().submit(self._close_quietly)
        except RuntimeError:  # no thread can be started
            self._close_quietly()

    def _close_quietly(self) -> None:
        try:
            self._close()
        except Exception:  # there is no caller any more
            _LOG.warning("%s: a block failed while its stream was closed", self._name, exc_info=True)

    def _admit(self) -> Ticket:
        """Return the stream's ticket; before the first chunk, ask the scheduler whether there is capacity."""
        if self._ticket is None:
            playback = self._playback
            refuse = playback.live and not self._admitted
            self._ticket = self._scheduler.admit(
                self._name, playback.deadline, refuse, meter=self._meter, live=playback.live, trace=self._trace
            )
            self._ticket.timeout, self._ticket.resumed = self._timeout, playback.skip > 0
        return self._ticket

    def _next(self) -> Chunk | None:
        """Compute a chunk, or return None at the end. Runs in a turn of the scheduler."""
        assert self._ticket is not None
        until = time.perf_counter() + SKIPPING
        while (samples := self._samples(self._ticket)) is not None and self._playback.skip:
            samples = self._without_skipped(samples)
            if len(samples):
                break
            self._events(self._unheard)
            if time.perf_counter() > until:
                self._ticket.record_skipped()
                return SKIPPED
        if samples is None:
            rest = self._events(float("inf"))
            if rest:
                return Chunk(np.zeros(0, np.float32), self._start, rest, self._playback.sample_rate)
            check_end(self._text, self._start > 0, self._name, self._languages)
            return None
        if self._trace is not None:
            self._trace.mark_first_audio()
        start, self._start = self._start, self._start + len(samples)
        late = self._playback.delivered(len(samples))
        self._ticket.record_audio(len(samples) / self._playback.sample_rate, late)
        end = self._start / self._playback.sample_rate
        return Chunk(samples, start, self._events(end), self._playback.sample_rate)

    def _events(self, until: float) -> Events:
        """Return the events that begin before a time in seconds, without those of what the listener already has."""
        if self._unheard:
            self._timeline.take(self._unheard)
        return self._timeline.take(until)

    def _without_skipped(self, samples: np.ndarray) -> np.ndarray:
        """Return samples without those that the listener already has."""
        count = min(self._playback.skip, len(samples))
        self._playback.skip -= count
        self._start += count
        return samples[count:]

    def _samples(self, ticket: Ticket) -> np.ndarray | None:
        if self._timeout is None:
            return next_samples(self._frames, ticket)
        return next_samples_in_time(self._frames, ticket, self._scheduler.watchdog, self._timeout)

    def _close(self) -> None:
        try:
            close(self._frames)
        finally:
            if self._ticket is not None:
                self._ticket.leave()
