"""Reports about streams: when they end, and as lines of JSON in a file."""

from __future__ import annotations

import atexit
import json
import logging
import math
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from voxstack import StackError

CLOSED_EARLY = "closed early"

_LATE: deque[tuple[logging.Logger, int, str, tuple[object, ...]]] = deque()
"""Lines of log of streams that were closed, which may be the garbage collector's doing.

It may run on a thread that holds the lock of a handler of the log. So the next ordinary call writes them.
"""


@contextmanager
def report_end(report: Callable[[str], None]) -> Iterator[None]:
    """Call ``report`` once, when the stream inside has ended.

    :param report: receives how it ended: ``ended``, ``closed early``, or ``failed: ...`` with the error. It
        takes no lock: it logs by :func:`log_end`.
    """
    write_late_lines()
    end = CLOSED_EARLY
    try:
        yield
        end = "ended"
    except Exception as error:
        end = f"failed: {short_repr(error)}"
        raise
    finally:
        report(end)


def log_end(log: logging.Logger, end: str, message: str, *values: object, level: int = logging.INFO) -> None:
    """Write a line to a log; that of a stream that was closed early waits for the next ordinary call."""
    _LATE.append((log, level, message, values))
    if end != CLOSED_EARLY:
        write_late_lines()


def write_late_lines() -> None:
    """Write the lines that wait. Not for finalizers."""
    while _LATE:
        try:
            log, level, message, values = _LATE.popleft()
        except IndexError:  # another thread writes them
            return
        log.log(level, message, *values)


atexit.register(write_late_lines)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_LATE.clear)  # the parent writes them


def check_path(path: str | None, addon: object) -> None:
    """Check, when a block loads, that a report may and can be written to ``path``.

    Lines that an addon words, in a file that it names, can be code, as in a profile that a shell reads.

    :raises StackError: if the addon is not trusted, or the folder of the file does not exist.
    """
    if path is None:
        return
    if not getattr(addon, "trust", True):
        advice = "leave 'path' out and read the log, or load(..., trust=True) if you trust this addon"
        raise StackError("path", f"names a file to write to, and this addon was not installed with pip; {advice}")
    try:
        exists = Path(path).parent.is_dir() and "\0" not in path
    except ValueError:
        exists = False
    if not exists:
        folder = str(Path(path).parent)
        raise StackError("path", f"there is no folder {folder!r}; create it, or write the report elsewhere")


def append(path: str | None, end: str, row: Mapping[str, Any], log: logging.Logger) -> None:
    """Append ``row`` to the file as one line of JSON, written at once, so that lines of concurrent streams do not mix.

    A number that JSON lacks, such as NaN, becomes null. A file that cannot be written is a warning in the log: a report
    must not end the speech that it is about.
    """
    if path is None:
        return
    finite = {key: None if _is_not_finite(value) else value for key, value in row.items()}
    try:
        line = json.dumps(finite, ensure_ascii=False, allow_nan=False, default=str) + "\n"
        with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(line)
    except (OSError, ValueError) as error:
        log_end(log, end, "cannot write a report to %r: %s", path, error, level=logging.WARNING)


def short_repr(value: object) -> str:
    """Return the ``repr`` of a value, also of one whose ``__repr__`` fails."""
    try:
        return repr(value)
    except Exception as error:
        return f"{type(value).__name__} (cannot be shown: {type(error).__name__})"


def _is_not_finite(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
