"""Voices that are opened when they are asked for, and unloaded when others need their room."""

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

from voxstack import Chunk, Registry, RequestError, Speech, Voice
from voxstack.networks import Context, ContextLike
from voxstack.networks.addon import Addon
from voxstack_voices.leases import Entry, Lease, Leased
from voxstack_voices.room import to_unload
from voxstack_voices.stamps import Stamp, stamp
from voxstack_voices.status import Loaded, rows
from voxstack_voices.weights import Weights, weights_of

_LOG = logging.getLogger("voxstack.voices")

RETRY_AFTER = 2.0
"""Seconds after which an addon that could not be reloaded is tried again: it may just be being copied."""


class Voices:
    """Voices by name, folder or ``.zip``: opened on demand, shared by all threads, unloaded least recently used first.

    Networks that several voices have are in memory once, by the hash of their content; they go with the last voice that has them.
    An addon that has changed on disk is opened anew for what is asked from then on, while what runs goes on with what it began
    with. Where the new one cannot be opened, the old one serves, and :meth:`status` tells why.

    :param budget: bytes that the networks of loaded voices may take, as their files say; None: any. What was replaced or unloaded
        while streams ran on it is not counted.
    :param warm: voices to load, and let speak once, now.
    :param options: of ``voxstack.load``: ``context``, ``trust``, ``schedule``, ``scheduler``.
    :param clock: gives the time in seconds.
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
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._opening: dict[str, Future[None]] = {}
        self._reserved: dict[str, Weights] = {}  # of voices that are being opened
        self._closed = False
        self.warm(*warm)

    @contextmanager
    def use(self, name: str | Path) -> Iterator[Voice]:
        """A voice that stays loaded as long as the block inside runs.

        :raises VoxstackError: if there is no such voice, or it cannot be opened.
        :raises CapacityError: if it does not fit into the budget beside the voices that are in use.
        """
        lease = self._lease(str(name))
        try:
            yield lease.voice
        finally:
            lease.release()

    def stream(self, name: str | Path, text: str | Iterable[str], **request: Any) -> Iterator[Chunk]:
        """Speak with a voice, as ``Voice.stream`` does; it stays loaded until the stream ends, is closed, or is let go of."""
        lease = self._lease(str(name))
        try:
            return Leased(lease.voice.stream(text, **request), lease)
        except BaseException:
            lease.release()
            raise

    async def astream(self, name: str | Path, text: Any, **request: Any) -> AsyncGenerator[Chunk, None]:
        """Speak with a voice, as ``Voice.astream`` does. A voice that is not loaded is opened on another thread."""
        import asyncio  # takes as long to import as the core

        lease = await asyncio.to_thread(self._lease, str(name))
        try:
            async with aclosing(lease.voice.astream(text, **request)) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            lease.release()

    def synthesize(self, name: str | Path, text: str | Iterable[str], **request: Any) -> Speech:
        """Speak with a voice, as ``Voice.synthesize`` does."""
        with self.use(name) as voice:
            return voice.synthesize(text, **request)

    def warm(self, *names: str | Path, text: str = "Hello.") -> None:
        """Load voices, and let each speak once, so that the first request finds everything ready."""
        for name in names:
            self.synthesize(name, text)

    def unload(self, name: str | Path) -> bool:
        """Let go of a voice; what runs on it goes on. Return whether it was loaded."""
        with self._lock:
            entry = self._entries.pop(str(name), None)
        return entry is not None

    def close(self) -> None:
        """Let go of all voices, and refuse what is asked from then on; what runs goes on to its end."""
        with self._lock:
            self._closed = True
            entries, self._entries = self._entries, {}
        del entries  # outside of the lock: networks take their time to go

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def status(self) -> list[Loaded]:
        """What is loaded, the most recently used first."""
        with self._lock:
            entries = dict(self._entries)
        return rows(entries, self._clock())

    def _lease(self, name: str) -> Lease:
        """A use of a voice, which is opened, or opened anew, where it has to be."""
        place = self._registry.locate(name)[0]
        while True:
            now = stamp(place)
            with self._lock:
                self._check_open()
                entry, opening = self._entries.get(name), self._opening.get(name)
                if entry is not None and (opening is not None or not self._is_outdated(entry, now)):
                    return entry.lease()
                mine = opening is None
                if opening is None:
                    opening = self._opening[name] = Future()
            if not mine:
                opening.result()
            elif (lease := self._open(name, now, entry, opening)) is not None:
                return lease

    def _is_outdated(self, entry: Entry, now: Stamp) -> bool:
        if entry.stamp == now:
            entry.problem = ""
            return False
        return self._clock() - entry.tried >= RETRY_AFTER

    def _open(self, name: str, now: Stamp, old: Entry | None, opening: Future[None]) -> Lease | None:
        """Open a voice, tell all who wait for it, and use it; None if it fails and there is an old one to use."""
        try:
            made = self._opened(name, now)
            with self._lock:
                self._check_open()
                self._entries[name] = made
                lease = made.lease()
        except BaseException as error:
            self._opened_or_not(name)
            if not isinstance(error, Exception):
                opening.set_result(None)  # those who wait try for themselves
                raise
            if old is None:
                opening.set_exception(error)
                raise
            old.tried, old.problem = self._clock(), str(error)
            _LOG.warning("%s has changed, and cannot be opened; the one that was loaded goes on: %s", name, error)
            lease = None
        else:
            self._opened_or_not(name)
        opening.set_result(None)
        return lease

    def _opened(self, name: str, now: Stamp) -> Entry:
        addon = Addon.open(name, self._registry, self._context, self._trust)
        weights = weights_of(addon)
        if self.budget is not None:
            self._make_room(name, weights, self.budget)
        return Entry(Voice(addon, **self._options), weights, now, self._clock)

    def _opened_or_not(self, name: str) -> None:
        with self._lock:
            del self._opening[name]
            self._reserved.pop(name, None)

    def _make_room(self, name: str, weights: Weights, budget: int) -> None:
        """Reserve room for a voice, and unload others that nobody uses until it is there.

        :raises CapacityError: if there is not enough.
        """
        with self._lock:
            others = {key: entry for key, entry in self._entries.items() if key != name}
            names = to_unload(name, weights, others, self._reserved.values(), budget)
            gone = [self._entries.pop(key) for key in names]
            self._reserved[name] = weights
        for key in names:
            _LOG.info("%s is unloaded to make room for %s", key, name)
        del gone  # outside of the lock: networks take their time to go

    def _check_open(self) -> None:
        if self._closed:
            raise RequestError("these voices are closed; make new Voices, or close them later")
