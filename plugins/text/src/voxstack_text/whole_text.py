"""Texts that a block needs as a whole, and loops over long ones."""
# ruff: noqa: RUF001 -- quotes and marks that look alike are the subject here

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TypeVar

from voxstack import RequestError
from voxstack.streaming.turn import check_cancelled, waiting

T = TypeVar("T")
_EVERY = 500  # items between two checks, which take much less than a millisecond
_NO_PART = object()
_COMPLETE = re.compile(r"[.!?…。！？]['\")\]’”»]*\s*$")


def whole_text(text: str | Iterable[str], block: str) -> str:
    """Return a text, or the parts of it, joined, once all have arrived.

    If its source failed, it ends after the last complete sentence.

    :param block: its name, for errors.
    :raises RequestError: if a part is not a ``str``.
    :raises CancelledError: if the stream was closed meanwhile.
    """
    if isinstance(text, str):
        return text
    if hasattr(text, "whole"):  # the text of a request
        with waiting(for_input=True):
            whole: str = text.whole()
        check_cancelled()
        return whole
    return "".join(_parts(iter(text), block))


def has_failed(text: object) -> bool:
    """Return whether the source of an arriving text has failed, so that the text ends in the middle."""
    return getattr(text, "failure", None) is not None


def is_complete(sentence: str) -> bool:
    """Return whether a text ends as a sentence does."""
    return _COMPLETE.search(sentence) is not None


def _parts(parts: Iterator[str], block: str) -> Iterator[str]:
    while True:
        part = next_part(parts, block)
        if part is None:
            return
        yield part


def next_part(parts: Iterator[str], block: str) -> str | None:
    """Return the next part of a text once it arrives, or None at the end.

    :raises RequestError: if it is not a ``str``.
    :raises CancelledError: if the stream was closed meanwhile.
    """
    with waiting():
        part = next(parts, _NO_PART)
    check_cancelled()
    if part is _NO_PART:
        return None
    if not isinstance(part, str):
        raise RequestError(
            f"{block}: a part of the text is a {type(part).__name__}, {part!r:.40}; give an iterator of str"
        )
    return part


def cancellable(items: Iterable[T]) -> Iterator[T]:
    """Yield the items, so that the loop over them ends with its stream.

    :raises CancelledError: if the stream was closed.
    """
    for number, item in enumerate(items):
        if number % _EVERY == 0:
            check_cancelled()
        yield item


def excerpt(text: str, longest: int = 60) -> str:
    """Return a text, or the beginning of a long one, for an error."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
