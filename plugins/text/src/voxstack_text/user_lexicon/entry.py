"""Entries of a user's lexicon."""

from __future__ import annotations

from typing import NamedTuple

from voxstack import RequestError
from voxstack_text.whole_text import excerpt

KINDS = ("phones", "ipa", "alias")
"""Kinds of pronunciations: phones of the voice, letters of the IPA, or words that are read instead."""

LONGEST = 500
"""Most characters of a grapheme or a pronunciation."""


class Entry(NamedTuple):
    """A written word, or several, and how it is pronounced.

    :param grapheme: as it is written.
    :param kind: one of :data:`KINDS`.
    :param value: the pronunciation.
    :param where: its place, for errors.
    """

    grapheme: str
    kind: str
    value: str
    where: str


def make_entry(grapheme: str, kind: str | None, value: str, where: str) -> Entry:
    """Return an entry; of a pronunciation without a kind, slashes around it show that it is IPA.

    :raises RequestError: if the grapheme or the pronunciation is empty or too long, or there is no such kind.
    """
    grapheme, value = " ".join(grapheme.split()), value.strip()
    for name, text in (("word", grapheme), ("pronunciation", value)):
        if not text:
            raise RequestError(f"{where}: there is no {name}; write a word and its pronunciation")
        if len(text) > LONGEST:
            raise RequestError(f"{where}: the {name} {excerpt(text)!r} has {len(text)} characters; {LONGEST} at most")
    if kind is None:
        kind = "ipa" if len(value) > 2 and value[0] == value[-1] == "/" else "phones"
    if kind not in KINDS:
        raise RequestError(f"{where}: there is no kind {excerpt(kind)!r} of pronunciation; write {', '.join(KINDS)}")
    return Entry(grapheme, kind, value.strip("/") if kind == "ipa" else value, where)
