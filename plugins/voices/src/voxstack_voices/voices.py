"""Voices that are opened when they are asked for, and unloaded when others need their room."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voxstack import CapacityError, Chunk, Registry, Speech, Voice, VoxstackError
from voxstack.addon import Addon
from voxstack.contexts import Asked, Context
from voxstack_voices.stamps import Stamp, stamp
from voxstack_voices.streams import Leased
from voxstack_voices.weights import Weights, total, weights_of

_LOG = logging.getLogger("voxstack.voices")

RETRY_AFTER = 2.0
"""Seconds after which an addon that could not be reloaded is tried again: it may just be being copied."""


@dataclass(frozen=True)
class Loaded:
    """A voice that is loaded.

    :param users: streams that run on it, and other uses that have not ended.
    :param idle: seconds since it was used last; 0 while it is.
    :param own: bytes that unloading it would give back.
    :param shared: bytes of networks that other loaded voices have, too.
    :param problem: why the addon on disk, which has changed, is not used; empty if all is well.
    """

    name: str
    version: str
    users: int
    idle: float
    own: int
    shared: int
    problem: str = ""


@dataclass(eq=False)
class _Entry:
    """A loaded voice, and who uses it."""

    voice: Voice
    weights: Weights
    stamp: Stamp
    used: float
    users: int = 0
    problem: str = ""
    tried: float = field(default=-1e9)


class Voices:
    """Voices by name, folder or ``.zip``: opened on demand, shared by all threads, unloaded least recently used first.

    Networks that several voices have are in memory once, by the hash of their content; they go with the last voice that has them.
    An addon that has changed on disk is opened anew for what is asked from then on, while what runs goes on with what it began
    with. Where the new one cannot be opened, the old one serves, and :meth:`status` tells why.

    :param budget: bytes that the networks of loaded voices may take, as their files say; None: any.
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
        context: Asked | Context | None = None,
        trust: bool = False,
        clock: Callable[[], float] = time.monotonic,
        **options: Any,
    ) -> None:
        self.budget = budget
        self._registry = registry or Registry.installed()
        self._context, self._trust, self._options, self._clock = context, trust, options, clock
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._opening: dict[str, Future[_Entry]] = {}
        self._reserved: dict[str, Weights] = {}  # of voices that are being opened
        self.warm(*warm)

    @contextmanager
    def use(self, name: str | Path) -> Iterator[Voice]:
        """A voice that stays loaded as long as the block inside runs.

        :raises VoxstackError: if there is no such voice, or it cannot be opened.
        :raises CapacityError: if it does not fit into the budget beside the voices that are in use.
        """
        entry = self._lease(str(name))
        try:
            yield entry.voice
        finally:
            self._release(entry)

    def stream(self, name: str | Path, text: str | Iterable[str], **request: Any) -> Iterator[Chunk]:
        """Speak with a voice, as ``Voice.stream`` does; it stays loaded until the stream ends, is closed, or is let go of."""
        entry = self._lease(str(name))
        try:
            return Leased(entry.voice.stream(text, **request), lambda: self._release(entry))
        except BaseException:
            self._release(entry)
            raise

    async def astream(self, name: str | Path, text: Any, **request: Any) -> AsyncGenerator[Chunk, None]:
        """Speak with a voice, as ``Voice.astream`` does. A voice that is not loaded is opened on another thread."""
        import asyncio  # takes as long to import as the core

        entry = await asyncio.to_thread(self._lease, str(name))
        try:
            async with aclosing(entry.voice.astream(text, **request)) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            self._release(entry)

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
            return self._entries.pop(str(name), None) is not None

    def status(self) -> list[Loaded]:
        """What is loaded, the most recently used first."""
        with self._lock:
            entries, now = list(self._entries.items()), self._clock()
        told = []
        for name, entry in sorted(entries, key=lambda item: -item[1].used):
            others = total(other.weights for _, other in entries if other is not entry)
            own = total(other.weights for _, other in entries) - others
            idle = 0.0 if entry.users else now - entry.used
            version = entry.voice.addon.config["version"]
            told.append(Loaded(name, version, entry.users, idle, own, total([entry.weights]) - own, entry.problem))
        return told

    def _lease(self, name: str) -> _Entry:
        """The entry of a voice, with one user more."""
        place = self._registry.locate(name)[0]
        while True:
            now = stamp(place)
            with self._lock:
                entry = self._entries.get(name)
                opening = self._opening.get(name)
                changed = entry is not None and entry.stamp != now and self._clock() - entry.tried >= RETRY_AFTER
                if entry is not None and (opening is not None or not changed):
                    return self._used(entry)
                mine = opening is None
                if opening is None:
                    opening = self._opening[name] = Future()
            if mine:
                self._open(name, now, opening)
                if entry is None:
                    return opening.result()
                continue  # the new one, or the old one where that failed
            opening.result()

    def _open(self, name: str, now: Stamp, opening: Future[_Entry]) -> None:
        """Open a voice, and tell all who wait for it; the first has it already as a user."""
        old = self._entries.get(name)
        made: _Entry | None = None
        error: BaseException | None = None
        try:
            addon = Addon.open(name, self._registry, self._context, self._trust)
            weights = weights_of(addon)
            self._make_room(name, weights)
            made = _Entry(Voice(addon, **self._options), weights, now, self._clock())
        except BaseException as caught:
            error = caught
        with self._lock:
            del self._opening[name]
            self._reserved.pop(name, None)
            if made is not None:
                made.users = 1 if old is None else 0
                self._entries[name] = made
            elif old is not None:
                old.tried, old.problem = self._clock(), str(error)
        if made is not None:
            opening.set_result(made)
        elif old is not None and isinstance(error, VoxstackError):
            _LOG.warning("%s has changed, and cannot be opened; the one that was loaded goes on: %s", name, error)
            opening.set_result(old)
        else:
            assert error is not None
            opening.set_exception(error)
            if not isinstance(error, Exception):
                raise error

    def _make_room(self, name: str, weights: Weights) -> None:
        """Reserve room for a voice, and unload others that nobody uses until it is there.

        :raises CapacityError: if there is not enough.
        """
        if self.budget is None:
            return
        with self._lock:
            idle = sorted((e.used, key) for key, e in self._entries.items() if not e.users and key != name)
            while self._held(weights) > self.budget and idle:
                _, oldest = idle.pop(0)
                _LOG.info("%s is unloaded to make room for %s", oldest, name)
                del self._entries[oldest]
            held = self._held(weights)
            if held > self.budget:
                in_use = ", ".join(key for key in self._entries if key != name) or "nothing else"
                alone = f"{name} takes {total([weights]) / 1e6:.1f} MB"
                raise CapacityError(
                    f"{alone}, and together with what is in use ({in_use}) that is {held / 1e6:.1f} MB, "
                    f"more than the budget of {self.budget / 1e6:.1f} MB; try again when a stream has ended, or raise the budget"
                )
            self._reserved[name] = weights

    def _held(self, more: Weights) -> int:
        return total([*(entry.weights for entry in self._entries.values()), *self._reserved.values(), more])

    def _used(self, entry: _Entry) -> _Entry:
        entry.users += 1
        entry.used = self._clock()
        return entry

    def _release(self, entry: _Entry) -> None:
        with self._lock:
            entry.users -= 1
            entry.used = self._clock()
