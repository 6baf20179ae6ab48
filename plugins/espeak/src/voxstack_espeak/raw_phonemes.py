"""Phonemes between double square brackets within a text, as Piper reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_RAW = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)


class Part(NamedTuple):
    """A part of a text.

    :param text: text to read, or phonemes.
    :param start: index of its first character in the whole text, that of the brackets for phonemes.
    :param end: index after its last one.
    """

    text: str
    start: int
    end: int
    raw: bool


def split_raw(text: str) -> Iterator[Part]:
    """Yield the parts of a text: what is read, and what is between double square brackets, which are phonemes."""
    done = 0
    for match in _RAW.finditer(text):
        yield Part(text[done : match.start()], done, match.start(), raw=False)
        yield Part(match[1].strip(), *match.span(), raw=True)
        done = match.end()
    yield Part(text[done:], done, len(text), raw=False)
