"""Voices that are opened on demand, and unloaded when others need their memory."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from voxstack import Chunk, Registry, Scheduler, Speech, Voice
from voxstack.networks import Context, ContextLike
from voxstack.networks.addon import Addon
from voxstack_voices.leases import LeasedStream, VoiceKey
from voxstack_voices.pool import VoicePool
from voxstack_voices.status import VoiceStatus


class Voices:
    """Voices by name, folder or ``.zip``: opened on demand, shared by all threads, unloaded least recently used first.

    Networks that several voices have are in memory once, by the hash of their content, and are freed with the last
    voice that has them. An addon that has changed on disk is opened again for the next request, while running streams
    go on with the version that they began with. If the new version cannot be opened, the old one remains in use, and
    :meth:`status` reports why.

    :param budget: limit of the bytes that the networks of loaded voices take, estimated from the sizes of their files;
        None: no limit. Voices that were replaced or unloaded while streams ran on them are not counted.
    :param warm: voices to load now, each of which synthesizes a short text.
    :param context: where networks run, for requests that name no context of their own.
    :param options: of ``voxstack.load``: ``trust``, ``schedule``, ``scheduler``, ``lexicon``.
    :param clock: returns the time in seconds.
    """

    def __init__(
        self,
        budget: int | None = None,
        *,
        warm: Iterable[str | Path] = (),
        registry: Registry | None = None,
        context: ContextLike | Context | None = None,
        trust: bool = False,
        clock: Callable[[], float] = time.monotonic,
        **options: Any,
    ) -> None:
        self._options, installed = options, registry or Registry.installed()

        def open_addon(key: VoiceKey) -> Addon:
            return Addon.open(key.name, installed, context if key.context is None else key.context, trust)

        self._pool = VoicePool(installed, open_addon, lambda addon: Voice(addon, **options), budget, clock)
        self.warm(*warm)

    @property
    def budget(self) -> int | None:
        """The limit of the bytes that networks take, for voices that are opened from now on; None: no limit."""
        return self._pool.budget

    @budget.setter
    def budget(self, limit: int | None) -> None:
        self._pool.budget = limit

    @contextmanager
    def use(self, name: str | Path, context: str | None = None) -> Iterator[Voice]:
        """Provide a voice that stays loaded as long as the block inside runs.

        :param context: where its networks run instead: a name, or ``runtime:device``. In each context it is a voice of
            its own, with memory of its own.
        :raises VoxstackError: if there is no such voice, or it cannot be opened.
        :raises CapacityError: if it does not fit into the budget beside the voices that are in use.
        """
        lease = self._pool.lease(str(name), context)
        try:
            yield lease.voice
        finally:
            lease.release()

    def stream(
        self, name: str | Path, text: str | Iterable[str], *, context: str | None = None, **request: Any
    ) -> Iterator[Chunk]:
        """Stream a text with a voice, as ``Voice.stream`` does, in a context as in :meth:`use`.

        The voice stays loaded until the stream has ended, is closed, or is garbage-collected.
        """
        lease = self._pool.lease(str(name), context)
        try:
            return LeasedStream(lease.voice.stream(text, **request), lease)
        except BaseException:
            lease.release()
            raise

    async def astream(
        self, name: str | Path, text: Any, *, context: str | None = None, **request: Any
    ) -> AsyncGenerator[Chunk, None]:
        """Stream a text with a voice, as ``Voice.astream`` does, in a context as in :meth:`use`.

        A voice that is not loaded is opened on another thread.
        """
        import asyncio  # takes as long to import as the core

        lease = self._pool.lease_if_loaded(str(name), context)
        if lease is None:
            lease = await asyncio.to_thread(self._pool.lease, str(name), context)
        try:
            async with aclosing(lease.voice.astream(text, **request)) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            lease.release()

    def check_capacity(self, name: str | Path, context: str | None = None) -> None:
        """Check whether there is capacity for one more stream of a voice, if it is loaded; wait for nothing.

        :raises CapacityError: if not.
        """
        lease = self._pool.lease_if_loaded(str(name), context)
        if lease is not None:
            try:
                lease.voice.scheduler.check_capacity(lease.voice.name)
            finally:
                lease.release()

    def synthesize(
        self, name: str | Path, text: str | Iterable[str], *, context: str | None = None, **request: Any
    ) -> Speech:
        """Synthesize a text with a voice, as ``Voice.synthesize`` does, in a context as in :meth:`use`."""
        with self.use(name, context) as voice:
            return voice.synthesize(text, **request)

    def warm(self, *names: str | Path, text: str = "Hello.", context: str | None = None) -> None:
        """Load voices, and synthesize a text with each, so that nothing is left to prepare at the first request."""
        for name in names:
            self.synthesize(name, text, context=context)

    def unload(self, name: str | Path) -> bool:
        """Unload a voice in all its contexts; streams that run on it go on. Return whether it was loaded."""
        return self._pool.unload(str(name))

    def unload_idle(self, seconds: float) -> list[str]:
        """Unload the voices that have not been used for some seconds, and return their names."""
        return self._pool.unload_idle(seconds)

    def close(self) -> None:
        """Unload all voices and refuse later requests; running streams go on to their end."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def scheduler(self) -> Scheduler:
        """The scheduler of the voices' streams."""
        return self._options.get("scheduler") or Scheduler.shared()

    def status(self) -> list[VoiceStatus]:
        """Return the status of each loaded voice, the most recently used first."""
        return self._pool.status()

    def loaded(self, name: str | Path, context: str | None = None) -> Voice | None:
        """Return a voice if it is loaded as it is on disk, without waiting; None otherwise."""
        lease = self._pool.lease_if_loaded(str(name), context)
        if lease is None:
            return None
        voice = lease.voice
        lease.release()
        return voice
