"""The deployment that synthesizes: each replica has voices of its own."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import ExitStack, aclosing
from typing import Any

from voxstack import CapacityError, Scheduler, Voice, Voices
from voxstack_serve_ray.errors import VoiceReplacedError
from voxstack_serve_ray.feed_listener import FeedListener
from voxstack_serve_ray.messages import Audio, End, Failure, Feed, Message, Opened, ReplicaState, VoiceRow
from voxstack_serve_ray.running_stream import RunningStream
from voxstack_serve_ray.versions import Versions

HEARTBEAT = 0.25
"""Seconds without another message after which a stream reports that it waits."""

REFUSAL_MEMORY = 5.0
"""Seconds after a refusal in which a replica counts as full, so that another one is started."""


class SpeechReplica:
    """Voices of one replica, and the streams that run on it.

    :param warm: voices to load before the replica takes requests.
    :param budget: limit of the bytes of the loaded voices' networks.
    :param context: where their networks run.
    :param workers: streams that compute at once; None: one for each core.
    """

    def __init__(
        self, warm: Sequence[str] = (), budget: int | None = None, context: Any = None, workers: int | None = None
    ) -> None:
        from ray import serve

        self._id: str = serve.get_replica_context().replica_id.unique_id
        self._scheduler = Scheduler.shared() if workers is None else Scheduler(workers)
        self._voices = Voices(budget, warm=warm, context=context, scheduler=self._scheduler)
        self._streams: dict[str, RunningStream] = {}
        self._listener = FeedListener(self._streams)
        self._versions = Versions()
        self._refused = -REFUSAL_MEMORY

    async def synthesize(
        self,
        stream: str,
        source: str,
        text: str | None,
        request: Mapping[str, Any],
        feed: Feed,
        version: str = "",
        avoid: Sequence[str] = (),
    ) -> AsyncGenerator[Message, None]:
        """Yield the messages of one stream, whose audio goes on up to a limit that feeds extend.

        :param stream: an id of the stream.
        :param source: of the voice.
        :param text: the whole text; None: it arrives in parts, by feeds.
        :param request: further arguments of ``Voice.astream``.
        :param version: of the voice that the stream began with; empty: it begins here.
        :param avoid: replicas that do not get the request; for the router.
        """
        running = self._streams[stream] = RunningStream(feed)
        try:
            spoken = self._spoken(running, source, text, request, version)
            async with aclosing(spoken), aclosing(_with_heartbeats(spoken, running)) as messages:
                async for message in messages:
                    yield message
            yield End()
        except Exception as error:  # Ray would wrap it in a class of its own
            if isinstance(error, CapacityError):
                self._refused = time.monotonic()
            yield Failure(self._id, error)
        finally:
            del self._streams[stream]

    async def _spoken(
        self, running: RunningStream, source: str, text: str | None, request: Mapping[str, Any], version: str
    ) -> AsyncGenerator[Opened | Audio, None]:
        """Yield that the voice is there, and its audio as far as there is room."""
        with ExitStack() as leases:
            voice: Voice = await asyncio.to_thread(leases.enter_context, self._voices.use(source))
            own = self._versions.of(voice)
            if version and own != version:
                raise VoiceReplacedError(f"{voice.name} was replaced while a stream of it ran; request the text again")
            yield Opened(self._id, await self._listener.address(), own, voice.sample_rate)
            parts = running.text() if text is None else text
            chunks = voice.astream(parts, horizon=lambda: running.limit, **request)
            async with aclosing(chunks):
                async for chunk in chunks:
                    yield Audio(chunk.samples, chunk.start, chunk.events)
                    await running.room((chunk.start + len(chunk.samples)) / voice.sample_rate)

    async def state(self) -> ReplicaState:
        """Return the state of this replica."""
        work = {name: (one.seconds, one.audio) for name, one in self._scheduler.work().items()}
        rows = (
            VoiceRow(row.name, row.version, row.users, row.idle, row.own, row.shared, row.problem)
            for row in self._voices.status()
        )
        return ReplicaState(self._id, os.getpid(), self._scheduler.demand(), self._scheduler.workers, work, tuple(rows))

    async def warm(self, *sources: str) -> None:
        """Load voices, and synthesize a short text with each."""
        await asyncio.to_thread(self._voices.warm, *sources)

    async def unload(self, source: str) -> bool:
        """Unload a voice; streams that run on it go on. Return whether it was loaded."""
        return await asyncio.to_thread(self._voices.unload, source)

    async def unload_idle(self, seconds: float) -> list[str]:
        """Unload the voices that have not been used for some seconds, and return their names."""
        return await asyncio.to_thread(self._voices.unload_idle, seconds)

    def record_routing_stats(self) -> dict[str, Any]:
        """Return what requests are routed by."""
        return {"voices": [status.name for status in self._voices.status()], "load": self._load()}

    def record_autoscaling_stats(self) -> dict[str, float]:
        """Return the part of the workers' time that the streams of this replica need."""
        return {"load": self._load()}

    def _load(self) -> float:
        load = self._scheduler.demand() / self._scheduler.workers
        return max(load, 1.0) if time.monotonic() - self._refused < REFUSAL_MEMORY else load


async def _with_heartbeats(
    spoken: AsyncGenerator[Message, None], running: RunningStream
) -> AsyncGenerator[Message, None]:
    """Yield the messages of a stream, and between them that it waits."""
    while True:
        following = asyncio.ensure_future(anext(spoken, None))
        try:
            while not (await asyncio.wait({following}, timeout=HEARTBEAT))[0]:
                yield running.alive()
        finally:
            following.cancel()
            await asyncio.wait({following})
        if (message := following.result()) is None:
            return
        yield message
