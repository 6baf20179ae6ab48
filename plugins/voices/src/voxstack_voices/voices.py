"""Voices that are opened on demand, and unloaded when others need their memory."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import aclosing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from voxstack import Chunk, Registry, RequestError, Scheduler, Speech, Voice
from voxstack.networks import Context, ContextLike
from voxstack.networks.addon import Addon
from voxstack.streaming.forks import renew_after_fork
from voxstack_voices.eviction import voices_to_evict
from voxstack_voices.fingerprint import Fingerprint, fingerprint
from voxstack_voices.leases import Lease, LeasedStream, LoadedVoice, VoiceKey
from voxstack_voices.status import VoiceStatus, status_of
from voxstack_voices.weights import Weights, weights_of

_LOG = logging.getLogger("voxstack.voices")

RETRY_AFTER = 2.0
"""Seconds after which an addon that could not be reloaded is tried again: it may be in the middle of being copied."""


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
        self.budget = budget
        self._registry = registry or Registry.installed()
        self._context, self._trust, self._options, self._clock = context, trust, options, clock
        self._loaded: dict[VoiceKey, LoadedVoice] = {}
        self._closed = False
        self.after_fork()
        renew_after_fork(self)
        self.warm(*warm)

    def after_fork(self) -> None:
        """Keep the loaded voices, and open again what threads of the parent were opening."""
        self._lock = threading.Lock()
        self._opening: dict[VoiceKey, Future[None]] = {}
        self._reserved: dict[VoiceKey, Weights] = {}  # of voices that are being opened

    @contextmanager
    def use(self, name: str | Path, context: str | None = None) -> Iterator[Voice]:
        """Provide a voice that stays loaded as long as the block inside runs.

        :param context: where its networks run instead: a name, or ``runtime:device``. In each context it is a voice of
            its own, with memory of its own.
        :raises VoxstackError: if there is no such voice, or it cannot be opened.
        :raises CapacityError: if it does not fit into the budget beside the voices that are in use.
        """
        lease = self._lease(str(name), context)
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
        lease = self._lease(str(name), context)
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

        lease = self._lease_if_loaded(str(name), context)
        if lease is None:
            lease = await asyncio.to_thread(self._lease, str(name), context)
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
        lease = self._lease_if_loaded(str(name), context)
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
        with self._lock:
            loaded = [self._loaded.pop(key) for key in [*self._loaded] if key.name == str(name)]
        return bool(loaded)

    def unload_idle(self, seconds: float) -> list[str]:
        """Unload the voices that have not been used for some seconds, and return their names."""
        with self._lock:
            now, loaded = self._clock(), self._loaded
            idle = [key for key, voice in loaded.items() if not voice.users and now - voice.used >= seconds]
            removed = [loaded.pop(key) for key in idle]
        for key in idle:
            _LOG.info("%s is unloaded: it was not used for %g s", key, seconds)
        del removed  # outside the lock: freeing networks takes time
        return [key.name for key in idle]

    def close(self) -> None:
        """Unload all voices and refuse later requests; running streams go on to their end."""
        with self._lock:
            self._closed = True
            loaded, self._loaded = self._loaded, {}
        del loaded  # outside the lock: freeing networks takes time

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
        with self._lock:
            loaded = dict(self._loaded)
        return status_of(loaded, self._clock())

    def loaded(self, name: str | Path, context: str | None = None) -> Voice | None:
        """Return a voice if it is loaded as it is on disk, without waiting; None otherwise."""
        lease = self._lease_if_loaded(str(name), context)
        if lease is None:
            return None
        voice = lease.voice
        lease.release()
        return voice

    def _lease_if_loaded(self, name: str, context: str | None) -> Lease | None:
        """Return a lease of a voice that is loaded as it is on disk, or None; wait for nothing."""
        current = fingerprint(self._registry.locate(name)[0])
        if not self._lock.acquire(blocking=False):
            return None
        try:
            loaded = None if self._closed else self._loaded.get(VoiceKey(name, context))
            return None if loaded is None or self._is_outdated(loaded, current) else loaded.lease()
        finally:
            self._lock.release()

    def _lease(self, name: str, context: str | None = None) -> Lease:
        """Return a lease of a voice, after opening it if it is not loaded or has changed on disk."""
        key = VoiceKey(name, context)
        location = self._registry.locate(name)[0]
        while True:
            current = fingerprint(location)
            with self._lock:
                self._check_open()
                loaded, opening = self._loaded.get(key), self._opening.get(key)
                if loaded is not None and (opening is not None or not self._is_outdated(loaded, current)):
                    return loaded.lease()
                opens = opening is None
                if opening is None:
                    opening = self._opening[key] = Future()
            if not opens:
                opening.result()
            elif (lease := self._open(key, current, loaded, opening)) is not None:
                return lease

    def _is_outdated(self, loaded: LoadedVoice, current: Fingerprint) -> bool:
        if loaded.fingerprint == current:
            loaded.problem = ""
            return False
        return self._clock() - loaded.tried >= RETRY_AFTER

    def _open(
        self, key: VoiceKey, current: Fingerprint, previous: LoadedVoice | None, opening: Future[None]
    ) -> Lease | None:
        """Open a voice and return a lease; return None if opening fails and there is a previous version to use.

        ``opening`` is completed last: threads that wait for it may open or use the voice at once. They try again by
        themselves unless an error ends their requests, too.
        """
        failure: Exception | None = None
        try:
            opened = self._load(key, current)
            with self._lock:
                self._check_open()
                self._loaded[key] = opened
                return opened.lease()
        except Exception as error:
            if previous is None:
                failure = error
                raise
            previous.tried, previous.problem = self._clock(), str(error)
            _LOG.warning("%s has changed and cannot be opened; the previous version remains in use: %s", key, error)
            return None
        finally:
            with self._lock:
                del self._opening[key]
                self._reserved.pop(key, None)
            if failure is None:
                opening.set_result(None)
            else:
                opening.set_exception(failure)

    def _load(self, key: VoiceKey, current: Fingerprint) -> LoadedVoice:
        context = self._context if key.context is None else key.context
        addon = Addon.open(key.name, self._registry, context, self._trust)
        weights = weights_of(addon)
        if self.budget is not None:
            self._make_room(key, weights, self.budget)
        return LoadedVoice(Voice(addon, **self._options), weights, current, self._clock)

    def _make_room(self, key: VoiceKey, weights: Weights, budget: int) -> None:
        """Reserve memory for a voice, and unload as many unused voices as that takes.

        :raises CapacityError: if the voices in use leave too little memory.
        """
        with self._lock:
            others = {other: loaded for other, loaded in self._loaded.items() if other != key}
            evicted = voices_to_evict(key, weights, others, self._reserved.values(), budget)
            removed = [self._loaded.pop(other) for other in evicted]
            self._reserved[key] = weights
        for other in evicted:
            _LOG.info("%s is unloaded to make room for %s", other, key)
        del removed  # outside the lock: freeing networks takes time

    def _check_open(self) -> None:
        if self._closed:
            raise RequestError("these voices are closed; create new Voices, or close them later")
