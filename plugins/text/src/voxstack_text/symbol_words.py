"""Words among the tokens that a table gives for symbols."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from voxstack import Utterance
from voxstack_text.layout import Word

_WORD = re.compile(r"\S+")


class SymbolTokens(NamedTuple):
    """The tokens of one symbol.

    :param position: index of the symbol's first character, or of the symbol in a list.
    :param first_token: its first row of ``tokens``.
    :param end_token: the row after its last one, blanks after it included.
    """

    position: int
    first_token: int
    end_token: int


class WordPlace(NamedTuple):
    """A word and where its symbols are.

    :param start: index of its first character in the request's text, counted from ``text_start``.
    :param end: index after its last one, counted likewise.
    :param first: position of its first symbol.
    :param last: position after its last one.
    """

    text: str
    start: int
    end: int
    first: int
    last: int


def find_places(utterance: Utterance, source: str, symbols: str) -> Iterator[WordPlace]:
    """Yield the words of a source: those of ``phoneme_words``, or those between white space in a text.

    :param source: its name in the utterance.
    :param symbols: a string as it was normalised, whose characters are counted.
    """
    written = utterance[source]
    passage = utterance.get("passage")
    if source != "text":
        for word in utterance.get("phoneme_words", ()):
            yield WordPlace(word.text, word.start, word.end, word.first, word.first + word.phonemes)
        return
    before, after = list(_words(written)), list(_words(symbols))
    if len(before) == len(after):  # normal forms can add spaces, and then nothing tells which word is which
        for (start, end), place in zip(before, after, strict=True):
            first, last = (start, end) if passage is None else passage.span(start, end)
            yield WordPlace(written[start:end], first, last, *place)


def _words(text: str) -> Iterator[tuple[int, int]]:
    """Yield the first character and the end of each word between white space, without the marks around it."""
    for match in _WORD.finditer(text):
        inner = [i for i in range(*match.span()) if not unicodedata.category(text[i]).startswith("P")]
        if inner:
            yield inner[0], inner[-1] + 1


def words_of(places: Iterator[WordPlace], tokens: Sequence[SymbolTokens]) -> list[Word]:
    """Return the words that have tokens.

    :param tokens: those of all symbols, in order.
    """
    positions = [symbol.position for symbol in tokens]
    words: list[Word] = []
    for place in places:
        first, end = bisect_left(positions, place.first), bisect_left(positions, place.last)
        if first < end:
            begin = tokens[first].first_token
            words.append(Word(place.text, place.start, place.end, begin, tokens[end - 1].end_token - begin))
    return words


def with_spaces(word: Word, phones: Sequence[str], start: int) -> Word:
    """Return a word with the spaces before it, unless a mark is before these.

    :param phones: the symbol of each token; "" for one that counts to the symbol before it.
    :param start: number of tokens before all symbols, which count as spaces.
    """
    token = first = word.first_token
    while token > start and (not phones[token - 1] or phones[token - 1].isspace()):
        token -= 1
        first = token if phones[token] else first
    if token <= start:
        first = 0
    elif unicodedata.category(phones[token - 1][0]).startswith("P"):
        return word
    return word._replace(first_token=first, tokens=word.tokens + word.first_token - first)


def names_of(tokens: Sequence[int], symbols: dict[str, Any]) -> list[str]:
    """Return the symbol of each token that stands at an end of all others; "" for one that no symbol has."""
    names = {ids[0]: symbol for symbol, ids in symbols.items() if len(ids) == 1}
    return [names.get(token, "") for token in tokens]
