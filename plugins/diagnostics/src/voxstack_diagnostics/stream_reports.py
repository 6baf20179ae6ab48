"""Reports about streams: when they end, and as lines of JSON in a file."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from voxstack import StackError


@contextmanager
def report_end(report: Callable[[str], None]) -> Iterator[None]:
    """Call ``report`` once, when the stream inside has ended.

    :param report: receives how it ended: ``ended``, ``closed early``, or ``failed: ...`` with the error.
    """
    end = "closed early"
    try:
        yield
        end = "ended"
    except Exception as error:
        end = f"failed: {error!r}"
        raise
    finally:
        report(end)


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


def append(path: str | None, row: Mapping[str, Any], log: logging.Logger) -> None:
    """Append ``row`` to the file as one line of JSON, written at once, so that lines of concurrent streams do not mix.

    A number that JSON lacks, such as NaN, becomes null. A file that cannot be written is a warning in the log: a report
    must not end the speech that it is about.
    """
    if path is None:
        return
    finite = {key: None if _is_not_finite(value) else value for key, value in row.items()}
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(finite, ensure_ascii=False, allow_nan=False) + "\n")
    except OSError as error:
        log.warning("cannot write a report to %r: %s", path, error)


def _is_not_finite(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
