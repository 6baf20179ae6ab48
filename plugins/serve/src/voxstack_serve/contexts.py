"""Contexts that requests name: which of them are on offer, and whose fault it is where one is unavailable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from voxstack import ContextError, RequestError, VoxstackError, did_you_mean
from voxstack_addon_spec.wording import short_repr


def checked_context(name: Any, contexts: Sequence[str]) -> str | None:
    """Return the context that a request names; None if it names none.

    :param contexts: on offer.
    :raises RequestError: if it is not on offer, with those that are.
    """
    if name is None or name in contexts:
        found: str | None = name
        return found
    offered = f"use one of: {', '.join(contexts)}" if contexts else "none is on offer; leave it out"
    raise RequestError(f"{short_repr(name)} is not on offer{did_you_mean(str(name), contexts, offered)}")


@contextmanager
def attributed(context: str | None) -> Iterator[None]:
    """Let a context that is on offer, and unavailable for a voice, be the fault of the request."""
    try:
        yield
    except VoxstackError as error:
        if context is None or not _is_unavailable(error):
            raise
        raise RequestError(f"context {short_repr(context)}: {error}") from error


def _is_unavailable(error: BaseException | None) -> bool:
    """Return whether an error, or one that led to it, is that of a context."""
    return error is not None and (isinstance(error, ContextError) or _is_unavailable(error.__cause__))
