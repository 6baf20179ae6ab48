"""Errors as JSON. Of those that are raised on purpose, the kind is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voxstack import AddonError, ContextError, NetworkError, VoxstackError
from voxstack.errors import foreign

KINDS: dict[str, tuple[type[VoxstackError], int]] = {
    "AddonError": (AddonError, 2),
    "ContextError": (ContextError, 1),
    "NetworkError": (NetworkError, 1),
}
"""The kinds, each with its number of arguments."""

MAX_TEXT = 4000
"""Characters of an argument that are kept."""


def failure_to_json(error: Exception) -> dict[str, Any]:
    """Return a header for an error."""
    kind = type(error).__name__
    if kind in KINDS and len(error.args) == KINDS[kind][1]:
        return {"error": [kind, *(str(argument)[:MAX_TEXT] for argument in error.args)]}
    return {"error": ["NetworkError", foreign(error)[:MAX_TEXT]]}


def raise_failure(header: Mapping[str, Any]) -> None:
    """Raise the error that a header holds, if it holds one; the header comes from a process that is not trusted."""
    failure = header.get("error")
    if failure is None:
        return
    kind, *texts = failure if isinstance(failure, list) and failure else ["NetworkError"]
    error, arguments = KINDS.get(kind, (NetworkError, 0)) if isinstance(kind, str) else (NetworkError, 0)
    if len(texts) != arguments or not all(isinstance(text, str) for text in texts):
        raise NetworkError("an isolated network failed, and its process gave no valid reason")
    raise error(*(text[:MAX_TEXT] for text in texts))
