"""The search of a stream for a replica, and its end."""

from __future__ import annotations

import asyncio
import time

from voxstack import CapacityError
from voxstack_serve_ray.errors import ReplicaLostError, VoiceReplacedError

PATIENCE, MOST_PATIENCE = 1.0, 8.0
"""Seconds without a message after which a replica is given up, at first; twice as long after each that sent nothing."""

BEFORE, AFTER = 10.0, 60.0
"""Seconds in which a replica is looked for before the first audio, and each time after it."""

RETRY = 0.1
"""Seconds between attempts to find capacity for a stream that has begun."""

MOST_LOSSES = 4
"""Replicas in a row that a stream may lose while they run it, without audio between: it may be what ends them."""

TRIES = 4
"""Replicas that are looked at for the version of a voice that a stream began with."""


class Attempts:
    """The attempts of one stream to be run, and when to give up."""

    def __init__(self) -> None:
        self._losses = self._endings = self._refusals = 0
        self._began, self._since = False, time.monotonic()

    @property
    def patience(self) -> float:
        """Seconds without a message after which a replica is given up."""
        return min(PATIENCE * 2.0 ** max(self._losses - 1, 0), MOST_PATIENCE)

    def progress(self) -> None:
        """Record that audio came."""
        self._losses = self._endings = self._refusals = 0
        self._began, self._since = True, time.monotonic()

    async def refused(self, error: CapacityError) -> None:
        """Let another replica be tried: once before the first audio, for some time after it.

        :raises CapacityError: if that was the last attempt.
        """
        self._refusals += 1
        if (not self._began and self._refusals > 1) or self._is_over():
            raise error
        if self._began:
            await asyncio.sleep(RETRY)

    def replaced(self, error: VoiceReplacedError) -> None:
        """Let another replica be tried, which may have the version of the voice.

        :raises VoiceReplacedError: if that was the last attempt.
        """
        self._refusals += 1
        if self._refusals >= TRIES:
            raise error

    def lost(self, error: ReplicaLostError, ran: bool) -> None:
        """Let another replica be tried.

        :param ran: whether the replica ran the stream.
        :raises CapacityError: if that was the last attempt, and there was no audio yet.
        :raises ReplicaLostError: if that was the last attempt to go on, or the stream seems to be what ends replicas.
        """
        self._losses += 1
        self._endings += ran
        if self._endings > MOST_LOSSES or (self._is_over() and self._began):
            raise error
        if self._is_over():
            raise CapacityError(f"no replica answers ({error}); try again when the cluster has recovered") from error

    def _is_over(self) -> bool:
        return time.monotonic() - self._since > (AFTER if self._began else BEFORE)
