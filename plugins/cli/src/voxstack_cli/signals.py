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


HANDLED = 0.1
"""Seconds in which the main thread handles a signal, unless another thread has taken it."""


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
    handler = _handler()
    if threading.current_thread() is threading.main_thread():
        for name, default in _DEFAULTS.items():
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) == default:
                with contextlib.suppress(ValueError):  # in another interpreter than the main one
                    previous[number] = signal.signal(number, handler)
    try:
        with _waking() if previous else contextlib.nullcontext():
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


@contextlib.contextmanager
def _waking() -> Iterator[None]:
    """Wake the main thread from what it waits for after a signal, while the block inside runs.

    The system may give a signal to any thread, such as one of a numeric library. Python then handles it on the main
    thread, but only when what that waits for is over. SIGURG, which is ignored otherwise, ends the wait.
    """
    if not hasattr(signal, "pthread_kill") or signal.getsignal(signal.SIGURG) != signal.SIG_DFL:
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
    signal.signal(signal.SIGURG, lambda *_: None)
    watching = threading.Thread(target=_watch, args=(reader,), name="voxstack-signals", daemon=True)
    try:
        with contextlib.suppress(RuntimeError):  # no thread can be started
            watching.start()
        yield
    finally:
        signal.set_wakeup_fd(before)
        signal.signal(signal.SIGURG, signal.SIG_DFL)
        os.close(writer)
        if watching.ident is None:
            os.close(reader)


def _watch(reader: int) -> None:
    """Read the numbers of signals as they arrive, and wake the main thread after each."""
    main = threading.main_thread().ident
    assert main is not None, "it runs"
    try:
        while numbers := os.read(reader, 64):
            if any(number != signal.SIGURG for number in numbers):
                time.sleep(HANDLED)
                signal.pthread_kill(main, signal.SIGURG)
    finally:
        os.close(reader)
