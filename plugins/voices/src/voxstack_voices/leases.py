"""Voices that are loaded, and who uses them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from voxstack import Chunk, Voice
from voxstack.blocks import close
from voxstack_voices.stamps import Stamp
from voxstack_voices.weights import Weights


@dataclass(eq=False)
class Entry:
    """One version of a voice, loaded.

    :param clock: gives the time in seconds.
    :param used: when it was used last.
    :param problem: why a newer version on disk is not used.
    :param tried: when that was last tried.
    """

    voice: Voice
    weights: Weights
    stamp: Stamp
    clock: Callable[[], float]
    used: float = field(init=False)
    problem: str = ""
    tried: float = float("-inf")
    _leases: weakref.WeakSet[Lease] = field(default_factory=weakref.WeakSet)

    def __post_init__(self) -> None:
        self.used = self.clock()

    @property
    def users(self) -> int:
        """Uses that have not ended."""
        return len(self._leases)

    def lease(self) -> Lease:
        """Use it."""
        self.used = self.clock()
        made = Lease(self)
        self._leases.add(made)
        return made

    def end(self, lease: Lease) -> None:
        """A use has ended."""
        self._leases.discard(lease)
        self.used = self.clock()


class Lease:
    """A use of a voice, until it is released or nobody has it any more.

    It takes no lock, so that it can end wherever the garbage collector runs.
    """

    def __init__(self, entry: Entry) -> None:
        self._entry: Entry | None = entry
        self.voice = entry.voice

    def release(self) -> None:
        """End the use; what still holds the lease does not hold the voice any more."""
        entry, self._entry = self._entry, None
        if entry is not None:
            del self.voice
            entry.end(self)


class Leased(Iterator[Chunk]):
    """Chunks of a stream that uses a voice until it has ended, failed, is closed, or nobody has it any more."""

    def __init__(self, chunks: Iterator[Chunk], lease: Lease) -> None:
        self._chunks, self._lease = chunks, lease

    def __next__(self) -> Chunk:
        try:
            return next(self._chunks)
        except BaseException:
            self._end()
            raise

    def close(self) -> None:
        """Stop: nothing is computed any more."""
        close(self._chunks)  # type: ignore[arg-type]
        self._end()

    def _end(self) -> None:
        self._chunks = iter(())
        self._lease.release()
