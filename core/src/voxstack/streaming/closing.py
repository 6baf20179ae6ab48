"""The end of streams: each of them is closed."""

from __future__ import annotations

from collections.abc import Generator, Iterable

from voxstack.blocks import Frames


def close(frames: Frames) -> None:
    """Close a stream now instead of when it is garbage-collected; do nothing for iterators that are not generators.

    A generator that runs on another thread right now is left alone: the code that runs it closes it.
    """
    if not isinstance(frames, Generator):
        return
    try:
        frames.close()
    except ValueError as error:
        if str(error) != "generator already executing":
            raise


def close_all(streams: Iterable[Frames]) -> None:
    """Close streams in this order, all of them; raise the first error only then."""
    errors: list[BaseException] = []
    for frames in streams:
        try:
            close(frames)
        except BaseException as error:
            errors.append(error)
    if errors:
        raise errors[0]
