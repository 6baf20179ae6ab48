"""The exception of this plugin, and the reading of small files with its errors."""

from __future__ import annotations

from pathlib import Path

from voxstack_addon_spec import LocatedError

MAX_SIZE = 1024 * 1024  # bytes of a policy or a key


class TrustError(LocatedError):
    """A key or a policy is missing, unreadable or invalid."""


def read_small_file(path: Path, advice: str) -> bytes:
    """Return the content of a file of at most 1 MiB.

    :param advice: what to do if there is no such file.
    :raises TrustError: if it is missing, unreadable or larger.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_SIZE + 1)
    except FileNotFoundError as error:
        raise TrustError(str(path), f"no such file; {advice}") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise TrustError(str(path), f"cannot be read ({error}); check the path and its permissions") from error
    if len(data) > MAX_SIZE:
        raise TrustError(str(path), f"is larger than {MAX_SIZE} bytes; {advice}")
    return data


def read_small_text(path: Path, advice: str) -> str:
    """Return the text of a file of at most 1 MiB, UTF-8.

    :raises TrustError: as for :func:`read_small_file`, or if it is not UTF-8.
    """
    try:
        return read_small_file(path, advice).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TrustError(str(path), f"is not UTF-8 text; {advice}") from error
