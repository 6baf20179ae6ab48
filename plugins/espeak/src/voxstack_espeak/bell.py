"""A way to wake waiting threads that a finalizer may use."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Bell:
    """Wakes the threads that wait for it.

    Ringing takes no lock, unlike the notification of a condition: a garbage collection may run it on any thread, also
    on one that is waiting here.
    """

    def __init__(self) -> None:
        self._waiting: deque[threading.Lock] = deque()

    def wait(self, seconds: float, unless: Callable[[], bool]) -> bool:
        """Wait for the next ring, unless ``unless()`` is true already; return False if it did not come in time."""
        ring = threading.Lock()
        ring.acquire()
        self._waiting.append(ring)  # first: a ring after the check must not be missed
        return unless() or ring.acquire(timeout=max(0.0, seconds))

    def ring(self) -> None:
        """Wake all."""
        while self._waiting:
            try:
                self._waiting.popleft().release()
            except IndexError:  # another thread rings, too
                return
