"""Words of a Japanese text with their readings."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from importlib import util
from pathlib import Path
from typing import Any, NamedTuple
from unicodedata import normalize

from voxstack import VoxstackError
from voxstack_japanese.kana import to_hiragana

_LIST = "data/ja_words.txt"


class Word(NamedTuple):
    """A word with its reading in hiragana, and its place in the text.

    :param start: index of its first character in the normalised text; ``end`` is that after its last.
    """

    surface: str
    reading: str
    start: int
    end: int


def read_words(text: str, known: frozenset[str]) -> list[Word]:
    """Return the words of a normalised text, as OpenJTalk's dictionary reads it, white space left out.

    Morphemes in a row that are together one word of the list are one word: the longest counts.

    :param known: words of the list, as :func:`known_words` returns them.
    """
    import pyopenjtalk

    nodes = pyopenjtalk.run_frontend(text, use_sudachi_kanji_yomi=False)
    return list(_grouped(_located(text, [(node["string"], _reading(node)) for node in nodes]), known))


@functools.cache
def known_words() -> frozenset[str]:
    """Return the words that are written without a space inside, from the list of misaki.

    :raises VoxstackError: if misaki is not installed.
    """
    found = util.find_spec("misaki")
    places = found.submodule_search_locations if found is not None else None
    files = [Path(place, _LIST) for place in places or ()]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        raise VoxstackError(
            "JapanesePhonemes: the list of words of misaki is not installed; try: pip install misaki (which needs a "
            "Python below 3.13)"
        )
    return frozenset(line.strip() for line in file.read_text(encoding="utf-8").splitlines())


def _reading(node: Any) -> str:
    """Return the reading of a morpheme in hiragana, or the mark that it is."""
    if node["pos"] == "記号":
        return to_hiragana(str(node["string"]))
    return to_hiragana(str(node["pron"]).replace("\u2019", "").replace("'", ""))  # marks of devoiced vowels


def _located(text: str, nodes: Sequence[tuple[str, str]]) -> list[Word]:
    """Return morphemes with their places in the text, which OpenJTalk writes in wide characters and without spaces."""
    places = [index for index, character in enumerate(text) if not character.isspace()]
    visible = [text[index] for index in places]
    written = [(normalize("NFKC", character) or " ")[0] for surface, _ in nodes for character in surface]
    edges = _edges(visible, written)
    words, position = [], 0
    for surface, reading in nodes:
        start, end = edges[position], edges[position + len(surface)]
        first = places[start] if start < len(places) else len(text)
        last = places[end - 1] + 1 if end > start else first
        words.append(Word(surface, reading, first, last))
        position += len(surface)
    return words


def _edges(visible: Sequence[str], written: Sequence[str]) -> list[int]:
    """Return, for each place between characters of ``written``, the place in ``visible`` that it corresponds to."""
    if len(visible) == len(written):
        return list(range(len(written) + 1))
    edges = [0] * (len(written) + 1)
    for _, a, b, c, d in SequenceMatcher(None, visible, written, autojunk=False).get_opcodes():
        for offset in range(d - c + 1):
            edges[c + offset] = a + (b - a) * offset // max(1, d - c)
    edges[-1] = len(visible)
    return edges


def _grouped(words: Sequence[Word], known: frozenset[str]) -> Iterator[Word]:
    """Yield words, those that are together one word of the list as one."""
    longest = _longest(known)
    index = 0
    while index < len(words):
        surfaces = [words[index].surface]
        while index + len(surfaces) < len(words) and sum(map(len, surfaces)) < longest:
            surfaces.append(words[index + len(surfaces)].surface)
        count = next((n for n in range(len(surfaces), 1, -1) if "".join(surfaces[:n]) in known), 1)
        group = words[index : index + count]
        yield Word(
            "".join(word.surface for word in group),
            "".join(word.reading for word in group),
            group[0].start,
            group[-1].end,
        )
        index += count


@functools.cache
def _longest(known: frozenset[str]) -> int:
    return max(map(len, known), default=1)
