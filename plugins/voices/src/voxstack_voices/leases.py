"""Loaded voices and the leases that keep them loaded."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from voxstack import Chunk, Voice
from voxstack.streaming.closing import close
from voxstack_voices.fingerprint import Fingerprint
from voxstack_voices.weights import Weights


class VoiceKey(NamedTuple):
    """The name of a voice, and the context in which it is opened; None: that of all voices."""

    name: str
    context: str | None = None

    def __str__(self) -> str:
        return self.name if self.context is None else f"{self.name} in {self.context}"


@dataclass(eq=False)
class LoadedVoice:
    """One loaded version of a voice.

    :param weights: the memory that its networks take.
    :param fingerprint: of the addon on disk when the voice was opened.
    :param clock: returns the time in seconds.
    :param used: time of the last use.
    :param problem: why a newer version on disk is not used.
    :param tried: time of the last attempt to open that version.
    """

    voice: Voice
    weights: Weights
    fingerprint: Fingerprint
    clock: Callable[[], float]
    used: float = field(init=False)
    problem: str = ""
    tried: float = float("-inf")
    _leases: weakref.WeakSet[Lease] = field(default_factory=weakref.WeakSet)

    def __post_init__(self) -> None:
        self.used = self.clock()

    @property
    def users(self) -> int:
        """Number of leases that have not ended."""
        return len(self._leases)

    def lease(self) -> Lease:
        """Return a new lease of the voice."""
        self.used = self.clock()
        lease = Lease(self)
        self._leases.add(lease)
        return lease

    def end(self, lease: Lease) -> None:
        """Record that a lease has ended."""
        self._leases.discard(lease)
        self.used = self.clock()


class Lease:
    """A use of a voice, until it is released or garbage-collected.

    It takes no lock, so that it can end wherever the garbage collector runs.
    """

    def __init__(self, loaded: LoadedVoice) -> None:
        self._loaded: LoadedVoice | None = loaded
        self.voice = loaded.voice

    def release(self) -> None:
        """End the use. Idempotent. A reference to a released lease does not keep the voice in memory."""
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            del self.voice
            loaded.end(self)


class LeasedStream(Iterator[Chunk]):
    """The chunks of a stream, which holds a lease until it has ended, failed, is closed, or is garbage-collected."""

    def __init__(self, chunks: Iterator[Chunk], lease: Lease) -> None:
        self._chunks, self._lease = chunks, lease

    def __next__(self) -> Chunk:
        try:
            return next(self._chunks)
        except BaseException:
            self._end()
            raise

    def close(self) -> None:
        """Stop the stream: nothing more is computed."""
        close(self._chunks)  # type: ignore[arg-type]
        self._end()

    def _end(self) -> None:
        self._chunks = iter(())
        self._lease.release()
