"""The loaded voices of a process, and how they are opened, replaced and unloaded."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future

from voxstack import Registry, RequestError, Voice
from voxstack.networks.addon import Addon
from voxstack.streaming.forks import renew_after_fork
from voxstack_voices.eviction import voices_to_evict
from voxstack_voices.fingerprint import Fingerprint, fingerprint
from voxstack_voices.leases import Lease, LoadedVoice, VoiceKey
from voxstack_voices.status import VoiceStatus, status_of
from voxstack_voices.weights import Weights, weights_of

_LOG = logging.getLogger("voxstack.voices")

RETRY_AFTER = 2.0
"""Seconds after which an addon that could not be reloaded is tried again: it may be in the middle of being copied."""


class VoicePool:
    """The loaded voices by name and context, each opened once however many threads request it.

    :param registry: where installed voices are found.
    :param open_addon: opens an addon, without its networks.
    :param open_voice: opens the networks of an addon.
    :param budget: limit in bytes, as that of :class:`.Voices`.
    :param clock: returns the time in seconds.
    """

    def __init__(
        self,
        registry: Registry,
        open_addon: Callable[[VoiceKey], Addon],
        open_voice: Callable[[Addon], Voice],
        budget: int | None,
        clock: Callable[[], float],
    ) -> None:
        self._registry, self.budget, self._clock = registry, budget, clock
        self._open_addon, self._open_voice = open_addon, open_voice
        self._loaded: dict[VoiceKey, LoadedVoice] = {}
        self._closed = False
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Keep the loaded voices, and open again what threads of the parent were opening."""
        self._lock = threading.Lock()
        self._opening: dict[VoiceKey, Future[None]] = {}
        self._reserved: dict[VoiceKey, Weights] = {}  # of voices that are being opened

    def status(self) -> list[VoiceStatus]:
        """Return the status of each loaded voice, the most recently used first."""
        with self._lock:
            loaded = dict(self._loaded)
        return status_of(loaded, self._clock())

    def unload(self, name: str) -> bool:
        """Unload a voice in all its contexts; streams that run on it go on. Return whether it was loaded."""
        with self._lock:
            loaded = [self._loaded.pop(key) for key in [*self._loaded] if key.name == name]
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

    def lease_if_loaded(self, name: str, context: str | None) -> Lease | None:
        """Return a lease of a voice that is loaded as it is on disk, or None; wait for nothing."""
        current = fingerprint(self._registry.locate(name)[0])
        if not self._lock.acquire(blocking=False):
            return None
        try:
            loaded = None if self._closed else self._loaded.get(VoiceKey(name, context))
            return None if loaded is None or self._is_outdated(loaded, current) else loaded.lease()
        finally:
            self._lock.release()

    def lease(self, name: str, context: str | None = None) -> Lease:
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
        addon = self._open_addon(key)
        weights = weights_of(addon)
        if self.budget is not None:
            self._make_room(key, weights, self.budget)
        return LoadedVoice(self._open_voice(addon), weights, current, self._clock)

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
