"""A limit of the time that the measurement of one network takes, with progress on the way."""

from __future__ import annotations

import time
from collections.abc import Callable

from voxstack_packager.errors import PackagingError

TIME_LIMIT = 900.0
"""Seconds that measuring one network may take, unless the caller sets another limit."""

REPORTED = 10.0
"""Seconds between two lines of progress."""


class TimeLimit:
    """Measures the time from its creation on, reports progress from time to time, and ends work that takes too long.

    :param where: name of the network.
    :param progress: called with a line.
    :param seconds: the limit.
    """

    def __init__(self, where: str, progress: Callable[[str], None] = print, seconds: float = TIME_LIMIT) -> None:
        self._where, self._progress, self._seconds = where, progress, seconds
        self._begin = self._reported = time.monotonic()

    def check(self, done: str) -> None:
        """Report what is done, at most every ten seconds.

        :raises PackagingError: if the time is over.
        """
        now = time.monotonic()
        if now - self._begin > self._seconds:
            problem = f"measuring takes more than {self._seconds:g} s; so far it was {done}"
            raise PackagingError(self._where, f"{problem}. Raise 'time_limit', or package a smaller network")
        if now - self._reported > REPORTED:
            self._reported = now
            self._progress(f"{self._where}: measuring for {now - self._begin:.0f} s; {done}")

    @property
    def remaining(self) -> float:
        """Seconds that are left."""
        return max(0.0, self._seconds - (time.monotonic() - self._begin))
