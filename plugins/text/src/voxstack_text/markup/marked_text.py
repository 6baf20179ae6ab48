"""Text with markup: its parts as they arrive, and the passages of what is to be read of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from voxstack_text.markup.conversion import Conversion
from voxstack_text.markup.dialects import DIALECTS
from voxstack_text.markup.html_tags import BLOCKS
from voxstack_text.markup.scanner import Scanner
from voxstack_text.whole_text import next_part

_BLOCK = 4096  # characters of a whole text that are converted at once
_LONGEST_START = 300  # characters at the start of a text that decide what markup it has
_START = re.compile(
    r"\s*(?:(?P<plain>[^\s<])|(?P<declared><\?[^>]*>\s*|<!--.*?-->\s*)*<!?(?P<name>/?[\w:-]*)(?P<end>[^\w:-]))",
    re.DOTALL,
)


class MarkedText:
    """An iterator of the converted parts of a text, for :func:`..sentence_stream.split_sentences`.

    :param text: the whole text, or an iterator of its parts as they arrive.
    :param markup: ``"text"``, ``"markdown"`` or ``"html"``.
    :param english: whether formulas are read, in English.
    :param has_breaks: whether the reader knows breaks and inserts.
    """

    def __init__(self, text: str | Iterator[str], markup: str, english: bool, has_breaks: bool) -> None:
        self.conversion = Conversion(has_breaks)
        self._scanner = Scanner(DIALECTS[markup], self.conversion, english)
        self._source = text
        self._parts = iter(_blocks(text)) if isinstance(text, str) else text

    @property
    def failure(self) -> object:
        """The error of the source, at which the text ends; None without one."""
        return getattr(self._source, "failure", None)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while not self._scanner.final:
            part = next(self._parts, None)
            if part is None:
                self._scanner.finish()
            elif isinstance(part, str):
                self._scanner.feed(part)
            else:
                return part  # the caller refuses it
            converted = self.conversion.take()
            if converted:
                return converted
        raise StopIteration

    def close(self) -> None:
        """Close the iterator that the text comes from, if it has a ``close`` method."""
        close = getattr(self._source, "close", None)
        if close is not None:
            close()


def _blocks(text: str) -> Iterator[str]:
    for start in range(0, len(text), _BLOCK):
        yield text[start : start + _BLOCK]


def detect(text: Any) -> tuple[str, Any]:
    """Return the markup that a text begins with, ``"text"``, ``"html"`` or ``"ssml"``, and the text.

    :param text: a ``str``, or an iterator, of which as much is awaited as decides.
    """
    if isinstance(text, str):
        return _markup_of(text[:_LONGEST_START], final=True) or "text", text
    taken: list[str] = []
    beginning = ""
    while (part := next_part(text, "Sentences")) is not None:
        taken.append(part)
        beginning = (beginning + part).lstrip()[:_LONGEST_START]
        markup = _markup_of(beginning, final=len(beginning) == _LONGEST_START)
        if markup:
            return markup, _Rest(taken, text)
    return _markup_of(beginning, final=True) or "text", _Rest(taken, text)


def _markup_of(beginning: str, final: bool) -> str:
    """Return the markup of a text that begins like this, or "" while that is unknown."""
    found = _START.match(beginning + (" " if final else ""))
    if not found:
        return "text" if final else ""
    name = (found["name"] or "").lower()
    if found["plain"] or not name:
        return "text"
    if name.rpartition(":")[2] == "speak":
        return "ssml"
    return "html" if name in BLOCKS or name in ("doctype", "head") else "text"


class _Rest:
    """Parts of a text that were taken already, and the iterator that the others come from."""

    def __init__(self, taken: list[str], parts: Iterator[str]) -> None:
        self._parts = parts
        self._all = chain(taken, parts)

    @property
    def failure(self) -> object:
        """The error of the source, at which the text ends; None without one."""
        return getattr(self._parts, "failure", None)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self._all)

    def close(self) -> None:
        """Close the iterator."""
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()
