"""Voices on the replicas of a cluster, as a service uses those of its own process."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import aclosing
from typing import Any

from voxstack import Chunk, RequestError
from voxstack.streaming.tracing import Trace
from voxstack_serve_ray.cluster_state import ClusterState
from voxstack_serve_ray.feed_channels import FeedChannels
from voxstack_serve_ray.messages import VoiceRow
from voxstack_serve_ray.pacing import paced
from voxstack_serve_ray.pools import Pool, pool_of
from voxstack_serve_ray.remote_stream import RemoteStream

_LOG = logging.getLogger("voxstack.serve_ray")

PERIOD = 5.0
"""Seconds after which the state of the replicas is looked at again."""


class RemoteVoices:
    """Voices that the replicas of pools synthesize with, for one event loop, in which :meth:`tend` runs.

    :param pools: where the voices are.
    :param handle_of: returns the handle of a pool's deployment; called in the event loop.
    :param ahead: seconds of audio ahead of real time that clients get; None: as fast as they take it.
    """

    def __init__(self, pools: Sequence[Pool], handle_of: Callable[[Pool], Any], ahead: float | None = None) -> None:
        self._pools, self._handle_of, self._ahead = list(pools), handle_of, ahead
        self._handles: dict[str, Any] = {}
        self._channels = FeedChannels()
        self._loop: Future[asyncio.AbstractEventLoop] = Future()
        self.scheduler = ClusterState()
        """What the replicas' schedulers count, taken together."""

    async def astream(
        self,
        name: str,
        text: str | AsyncIterable[str],
        *,
        horizon: Callable[[], float] = lambda: math.inf,
        context: str | None = None,
        trace: Trace | None = None,
        **request: Any,
    ) -> AsyncGenerator[Chunk, None]:
        """Stream a text with a voice, as ``Voice.astream`` does, from whichever replica has capacity.

        :param trace: has nothing of blocks on other machines.
        :raises RequestError: for another context than that of the voice's pool.
        """
        if context is not None:
            raise RequestError(f"context: {name} runs in the context of its pool; leave the context out")
        handle = self._handle(pool_of(name, self._pools))
        chunks = RemoteStream(handle, self._channels, name, text, request, horizon).chunks()
        async with aclosing(chunks if self._ahead is None else paced(chunks, self._ahead)) as chunks:
            async for chunk in chunks:
                yield chunk

    def check_capacity(self, name: str, context: str | None = None) -> None:
        """Check nothing: the replicas do, when a stream begins."""

    def warm(self, *names: str, context: str | None = None) -> None:
        """Load voices on all replicas of their pools. Called by a thread, as all that follows."""
        for name in names:
            self._wait(self._all("warm", pool_of(name, self._pools), name))

    def unload(self, name: str) -> bool:
        """Unload a voice from all replicas; streams that run on it go on. Return whether it was loaded on any."""
        return any(self._wait(self._all("unload", pool_of(name, self._pools), name)))

    def unload_idle(self, seconds: float) -> list[str]:
        """Unload the voices that a replica has not used for some seconds, and return their names."""
        found = [names for pool in self._pools for names in self._wait(self._all("unload_idle", pool, seconds))]
        return sorted({name for names in found for name in names})

    def status(self) -> list[VoiceRow]:
        """Return the state of each loaded voice, over all replicas, as it was some seconds ago. Any thread may call."""
        return self.scheduler.voices()

    async def tend(self) -> None:
        """Find the replicas, and look at their state now and then, until this is cancelled."""
        self._loop.set_result(asyncio.get_running_loop())
        while True:
            try:
                async with asyncio.timeout(PERIOD):
                    found = [await self._all("state", pool) for pool in self._pools]
                self.scheduler.replicas = [state for states in found for state in states]
            except Exception as error:  # the cluster may recover
                _LOG.warning("the state of the replicas is unknown: %s", error)
            await asyncio.sleep(PERIOD)

    async def _all(self, method: str, pool: Pool, *arguments: Any) -> list[Any]:
        """Call a method of all replicas of a pool, and return what they return."""
        return list(await self._handle(pool).broadcast(method, *arguments).results_async())

    def _wait(self, work: Coroutine[Any, Any, list[Any]]) -> list[Any]:
        """Return what a coroutine returns that runs in the event loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop.result()).result()

    def _handle(self, pool: Pool) -> Any:
        if pool.name not in self._handles:
            self._handles[pool.name] = self._handle_of(pool)
        return self._handles[pool.name]
