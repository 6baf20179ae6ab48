"""Characters: symbols to tokens by a table, for models that were trained on letters or phonemes."""

from __future__ import annotations

import functools
import logging
import re
import unicodedata
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from voxstack import RequestError, SequenceBlock, Utterance
from voxstack_text.symbol_words import SymbolTokens, find_places, names_of, with_spaces, words_of

_LOG = logging.getLogger("voxstack.text")
_WHITE_SPACE = re.compile(r"\s+")


@dataclass
class Characters(SequenceBlock):
    """Looks up the characters of a string, or the symbols of a list, in a table, for ``tokens``, (tokens,) int64.

    The tokens are those of ``start``, then ``blank``, then for each symbol its own and ``blank`` again, then those of
    ``end``. Piper, VITS and Matcha-TTS were trained with this layout, each with some of these empty. Symbols that the
    table lacks are skipped, with a warning in the log; white space in a string, such as a line break, counts as a space
    if the table has one.

    ``phones`` has the symbol of each token, and "" for ``blank``, which counts to the symbol before it. ``words`` is a
    list of :class:`voxstack_text.layout.Word`: those of a text, between white space; of another source, those whose
    symbols ``phoneme_words`` places.

    :param symbols: the tokens of each symbol, mostly one.
    :param source: name in the utterance of the input: a string, each of whose characters is a symbol, or a list of
        symbols.
    :param start: tokens before all others.
    :param blank: tokens before the first symbol, between symbols, and after the last.
    :param end: tokens after all others.
    :param lower: look up the lower case of a string.
    :param strip: skip spaces before the first known symbol and after the last.
    :param squeeze: count a run of white space in a string as one space.
    :param form: Unicode normalisation form that a string is brought to first.
    :param spaces_lead: count spaces, and the tokens of ``start``, to the word after them, unless a mark is before them:
        in fluent speech there is no silence between words, and networks that learn their own alignment, such as VITS,
        begin a word there.
    :param merged: sequences of characters that are one symbol, such as diphthongs; the longest match wins. With this
        field, a list is joined to a string first.
    """

    symbols: dict[str, list[int]]
    source: str = "text"
    start: list[int] = field(default_factory=list)
    blank: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    lower: bool = False
    strip: bool = False
    squeeze: bool = False
    form: Literal["NFC", "NFD", "NFKC", "NFKD"] | None = None
    merged: list[str] = field(default_factory=list)
    spaces_lead: bool = False

    gives = frozenset({"tokens", "phones", "words"})

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.source})

    def __call__(self, utterance: Utterance) -> Utterance:
        source = utterance[self.source]
        joined = source if isinstance(source, str) else "".join(source)
        if isinstance(source, str) or self.merged:
            joined = self._normalised(joined)
            symbols = self._split(joined)
        else:
            symbols = source
        unknown = dict.fromkeys(symbol for symbol in symbols if symbol not in self.symbols)
        if unknown:
            _LOG.warning("skipped %s of %r: the table has no tokens for them", ", ".join(map(repr, unknown)), source)
        tokens, phones, places = self._look_up(symbols, counted=symbols is source)
        if not tokens:
            raise RequestError(
                f"Characters: nothing in {source!r} is in the symbol table, so there is nothing to synthesize; "
                "give a text in the voice's script"
            )
        words = words_of(find_places(utterance, self.source, joined), places)
        if self.spaces_lead:
            words = [with_spaces(word, phones, len(self.start)) for word in words]
        return {"tokens": np.array(tokens, np.int64), "phones": phones, "words": words}

    def _look_up(self, symbols: Sequence[str], counted: bool) -> tuple[list[int], list[str], list[SymbolTokens]]:
        """Return the tokens of symbols, the symbol of each token, and the tokens of each symbol.

        :param counted: whether positions count symbols instead of characters.
        """
        tokens, blanks = [*self.start, *self.blank], [""] * len(self.blank)
        phones = names_of(self.start, self.symbols) + blanks
        places, position = [], 0
        known = range(len(symbols)) if not self.strip else _stripped(symbols, self.symbols)
        for index, symbol in enumerate(symbols):
            if symbol in self.symbols and index in known:
                first, own = len(tokens), self.symbols[symbol]
                tokens += [*own, *self.blank]
                phones += [*[symbol][: len(own)], *[""] * (len(own) - 1), *blanks]
                places.append(SymbolTokens(position, first, len(tokens)))
            position += 1 if counted else len(symbol)
        return [*tokens, *self.end], phones + names_of(self.end, self.symbols), places

    def _normalised(self, text: str) -> str:
        text = unicodedata.normalize(self.form, text) if self.form else text
        text = text.lower() if self.lower else text
        return " ".join(_WHITE_SPACE.split(text)) if self.squeeze else text

    def _split(self, text: str) -> Sequence[str]:
        symbols = _symbol_pattern(tuple(self.merged)).findall(text) if self.merged else text
        return [
            " " if symbol.isspace() and symbol not in self.symbols and " " in self.symbols else symbol
            for symbol in symbols
        ]


def _stripped(symbols: Sequence[str], known: Container[str]) -> range:
    """Return the indices from the first to the last known symbol that is not white space."""
    visible = [index for index, symbol in enumerate(symbols) if symbol in known and not symbol.isspace()]
    return range(visible[0], visible[-1] + 1) if visible else range(0)


@functools.lru_cache(maxsize=64)
def _symbol_pattern(merged: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern of one symbol: the longest of these sequences, otherwise one character."""
    return re.compile("|".join([*map(re.escape, sorted(merged, key=len, reverse=True)), "."]), re.DOTALL)
