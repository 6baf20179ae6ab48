"""Where reports go: the log, and files of JSON lines."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from voxstack import StackError


@contextmanager
def following(report: Callable[[str], None]) -> Iterator[None]:
    """Call ``report`` once, with how the stream inside ended: ``ended``, ``closed early``, or ``failed: ...`` with the error."""
    end = "closed early"
    try:
        yield
        end = "ended"
    except Exception as error:
        end = f"failed: {error!r}"
        raise
    finally:
        report(end)


def check_folder(path: str | None) -> None:
    """Check, when a block loads, that a report can be written to ``path``.

    :raises StackError: if its folder does not exist.
    """
    if path is not None and not Path(path).parent.is_dir():
        raise StackError(
            "path", f"there is no folder {str(Path(path).parent)!r}; make it, or write the report elsewhere"
        )


def append(path: str | None, row: Mapping[str, Any], log: logging.Logger) -> None:
    """Add ``row`` to the file as one line of JSON, written at once, so that lines of concurrent streams do not mix.

    A file that cannot be written is a warning in the log: a report must not end the speech that it is about.
    """
    if path is None:
        return
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
    except OSError as error:
        log.warning("cannot write a report to %r: %s", path, error)
