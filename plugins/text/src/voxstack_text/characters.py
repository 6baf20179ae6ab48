"""Characters: tokens by a table, for models that were trained on letters or on phonemes."""

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

_LOG = logging.getLogger(__name__)
_RUN = re.compile(r"\s+")


@dataclass
class Characters(SequenceBlock):
    """Looks up every character in a table: ``text``, a string, or a list of symbols, to ``tokens``, (tokens,) int64.

    Tokens are those of ``start``, then ``blank``, then for each symbol its own and ``blank`` again, then those of ``end``. That is how
    Piper, VITS and Matcha-TTS were trained, each with some of these empty. Symbols that the table does not have are left out, with a
    warning in the log; but a line break or other white space in a string counts as a space, where the table has that.

    :param symbols: the tokens of each symbol, mostly one.
    :param source: name in the utterance of what is looked up: a string, each of whose characters is a symbol, or a list of symbols.
    :param start: tokens before all others.
    :param blank: tokens between symbols, and before the first and behind the last.
    :param end: tokens behind all others.
    :param lower: look up the lower case of a string.
    :param strip: leave out spaces that nothing known comes before or behind.
    :param squeeze: let runs of white space in a string count as one space.
    :param form: Unicode normalisation of a string before it is looked up.
    :param merged: sequences of characters that are one symbol, such as diphthongs; the longest is taken. A list is joined for them.
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
        given = utterance[self.source]
        symbols = (
            self._split(given if isinstance(given, str) else "".join(given))
            if isinstance(given, str) or self.merged
            else given
        )
        unknown = dict.fromkeys(symbol for symbol in symbols if symbol not in self.symbols)
        if unknown:
            _LOG.warning("left out %s of %r: no tokens are known for them", ", ".join(map(repr, unknown)), given)
        tokens = [*self.start, *self.blank]
        known = [symbol for symbol in symbols if symbol in self.symbols]
        for symbol in _stripped(known) if self.strip else known:
            tokens += [*self.symbols[symbol], *self.blank]
        tokens += self.end
        if not tokens:
            raise RequestError(
                f"Characters: nothing in {given!r} is known, so there is nothing to say; give a text in the voice's script"
            )
        return {"tokens": np.array(tokens, np.int64)}

    def _split(self, text: str) -> Sequence[str]:
        text = unicodedata.normalize(self.form, text) if self.form else text
        text = text.lower() if self.lower else text
        text = " ".join(_RUN.split(text)) if self.squeeze else text
        symbols = _pattern(tuple(self.merged)).findall(text) if self.merged else text
        return [
            " " if symbol.isspace() and symbol not in self.symbols and " " in self.symbols else symbol
            for symbol in symbols
        ]


def _stripped(symbols: Sequence[str]) -> Sequence[str]:
    said = [place for place, symbol in enumerate(symbols) if not symbol.isspace()]
    return symbols[said[0] : said[-1] + 1] if said else []


@functools.lru_cache(maxsize=64)
def _pattern(merged: tuple[str, ...]) -> re.Pattern[str]:
    """Matches one symbol: the longest of these sequences, else one character."""
    return re.compile("|".join([*map(re.escape, sorted(merged, key=len, reverse=True)), "."]), re.DOTALL)
