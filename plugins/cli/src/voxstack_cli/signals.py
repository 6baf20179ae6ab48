"""Signals that end a command in order, so that it removes what it has not completed."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

REPEATED = 1.0
"""Seconds after a signal in which further ones are ignored: it is under way, and ``timeout`` sends two, a user more."""


class Terminated(SystemExit):
    """A signal other than SIGINT asks this process to end; ``status`` is what a shell reports for it."""

    def __init__(self, number: int) -> None:
        self.status = 128 + number
        super().__init__(self.status)


@contextlib.contextmanager
def ending_in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise :class:`Terminated` in the block inside, and SIGINT ``KeyboardInterrupt``, once.

    A signal that is ignored (as by ``nohup``) or that the program around has a handler for stays as it is. Nothing
    changes on another thread than the main one, which alone may handle signals.
    """
    previous: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        handler = _handler()
        for name, default in _DEFAULTS.items():
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) == default:
                with contextlib.suppress(ValueError):  # in another interpreter than the main one
                    previous[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, before in previous.items():
            if signal.getsignal(number) is handler:
                signal.signal(number, before)


_DEFAULTS = {"SIGTERM": signal.SIG_DFL, "SIGHUP": signal.SIG_DFL, "SIGINT": signal.default_int_handler}


def _handler() -> Any:
    """Return a handler that raises for the first of several signals that arrive together."""
    first = float("-inf")

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal first
        if time.monotonic() - first < REPEATED:
            return
        first = time.monotonic()
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)

    return handle
