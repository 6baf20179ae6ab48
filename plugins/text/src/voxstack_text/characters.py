"""Characters: symbols to tokens by a table, for models that were trained on letters or phonemes."""

from __future__ import annotations

import functools
import logging
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from voxstack import RequestError, SequenceBlock, Utterance

_LOG = logging.getLogger("voxstack.text")
_WHITE_SPACE = re.compile(r"\s+")


@dataclass
class Characters(SequenceBlock):
    """Looks up the characters of a string, or the symbols of a list, in a table, for ``tokens``, (tokens,) int64.

    The tokens are those of ``start``, then ``blank``, then for each symbol its own and ``blank`` again, then those of
    ``end``. Piper, VITS and Matcha-TTS were trained with this layout, each with some of these empty. Symbols that the
    table lacks are skipped, with a warning in the log; white space in a string, such as a line break, counts as a space
    if the table has one.

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

    gives = frozenset({"tokens"})

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.source})

    def __call__(self, utterance: Utterance) -> Utterance:
        source = utterance[self.source]
        if isinstance(source, str) or self.merged:
            symbols = self._split(source if isinstance(source, str) else "".join(source))
        else:
            symbols = source
        unknown = dict.fromkeys(symbol for symbol in symbols if symbol not in self.symbols)
        if unknown:
            _LOG.warning("skipped %s of %r: the table has no tokens for them", ", ".join(map(repr, unknown)), source)
        tokens = [*self.start, *self.blank]
        known = [symbol for symbol in symbols if symbol in self.symbols]
        for symbol in _stripped(known) if self.strip else known:
            tokens += [*self.symbols[symbol], *self.blank]
        tokens += self.end
        if not tokens:
            raise RequestError(
                f"Characters: nothing in {source!r} is in the symbol table, so there is nothing to synthesize; "
                "give a text in the voice's script"
            )
        return {"tokens": np.array(tokens, np.int64)}

    def _split(self, text: str) -> Sequence[str]:
        text = unicodedata.normalize(self.form, text) if self.form else text
        text = text.lower() if self.lower else text
        text = " ".join(_WHITE_SPACE.split(text)) if self.squeeze else text
        symbols = _symbol_pattern(tuple(self.merged)).findall(text) if self.merged else text
        return [
            " " if symbol.isspace() and symbol not in self.symbols and " " in self.symbols else symbol
            for symbol in symbols
        ]


def _stripped(symbols: Sequence[str]) -> Sequence[str]:
    visible = [index for index, symbol in enumerate(symbols) if not symbol.isspace()]
    return symbols[visible[0] : visible[-1] + 1] if visible else []


@functools.lru_cache(maxsize=64)
def _symbol_pattern(merged: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern of one symbol: the longest of these sequences, otherwise one character."""
    return re.compile("|".join([*map(re.escape, sorted(merged, key=len, reverse=True)), "."]), re.DOTALL)
