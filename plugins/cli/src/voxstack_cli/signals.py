"""Signals that end a command in order, so that it removes what it has not completed."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

REPEATED = 1.0
"""Seconds after a signal in which further ones are ignored: it is under way, and ``timeout`` sends two, a user more."""


UNHANDLED = 0.1
"""Seconds after which a signal that the main thread has not handled is sent to it once more."""


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
    handler = _Handler()
    if threading.current_thread() is threading.main_thread():
        for name, default in _DEFAULTS.items():
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) == default:
                with contextlib.suppress(ValueError):  # in another interpreter than the main one
                    previous[number] = signal.signal(number, handler)
    try:
        with _wakening(handler) if previous else contextlib.nullcontext():
            yield
    finally:
        for number, before in previous.items():
            if signal.getsignal(number) is handler:
                signal.signal(number, before)


_DEFAULTS = {"SIGTERM": signal.SIG_DFL, "SIGHUP": signal.SIG_DFL, "SIGINT": signal.default_int_handler}


class _Handler:
    """Raises for the first of several signals that arrive together."""

    def __init__(self) -> None:
        self.calls = 0
        self._first = float("-inf")

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.calls += 1
        if time.monotonic() - self._first < REPEATED:
            return
        self._first = time.monotonic()
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)


@contextlib.contextmanager
def _wakening(handler: _Handler) -> Iterator[None]:
    """Send a signal to the main thread once more if it has not handled it, while the block inside runs.

    The system may give a signal to any thread, such as one of a numeric library. Python then handles it on the main
    thread, but only when what that waits for is over.
    """
    if not hasattr(signal, "pthread_kill"):
        yield
        return
    try:
        reader, writer = os.pipe()
    except OSError:  # too many open files
        yield
        return
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    if before != -1:  # the event loop around is woken by signals, and must stay so
        signal.set_wakeup_fd(before)
    watching = threading.Thread(target=_watch, args=(reader, handler), name="voxstack-signals", daemon=True)
    try:
        with contextlib.suppress(RuntimeError):  # no thread can be started
            watching.start()
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writer)
        if watching.ident is None:
            os.close(reader)


def _watch(reader: int, handler: _Handler) -> None:
    """Read the numbers of signals as they arrive, and see that they are handled."""
    main, seen = threading.main_thread().ident, 0
    assert main is not None, "it runs"
    try:
        while numbers := os.read(reader, 64):
            time.sleep(UNHANDLED)
            if handler.calls == seen:
                signal.pthread_kill(main, numbers[-1])
            seen = handler.calls
    finally:
        os.close(reader)
