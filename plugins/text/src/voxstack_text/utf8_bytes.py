"""Utf8Bytes: the bytes of a text as tokens, for models that were trained on them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from voxstack import RequestError, SequenceBlock, Utterance
from voxstack_text.symbol_words import SymbolTokens, find_places, words_of
from voxstack_text.whole_text import whole_text


@dataclass
class Utf8Bytes(SequenceBlock):
    """Reads ``text`` as its UTF-8 bytes, for ``tokens``, (tokens,) int64, and gives its ``words``.

    ``words`` is a list of :class:`voxstack_text.layout.Word`: those between white space and ``symbols``.

    :param symbols: the token of each sequence of characters that is read as one token instead of its bytes.
    :param offset: added to each byte.
    :param longest: limit of tokens, such as the longest text that a model was trained on; 0: no limit.
    """

    symbols: dict[str, int] = field(default_factory=dict)
    offset: int = field(default=0, metadata={"minimum": 0, "maximum": 1_000_000})
    longest: int = field(default=0, metadata={"minimum": 0, "maximum": 1_000_000})

    needs = frozenset({"text"})
    gives = frozenset({"tokens", "words"})

    def __call__(self, utterance: Utterance) -> Utterance:
        if utterance.get("markup", "text") != "text":
            problem = "reads plain text, and the request is SSML; put Sentences around it, or give the text alone"
            raise RequestError(f"Utf8Bytes: {problem}")
        text = whole_text(utterance["text"], "Utf8Bytes")
        tokens: list[int] = []
        places: list[SymbolTokens] = []
        spoken, position = "", 0
        for piece in self._pieces(text):
            own = [self.symbols[piece]] if piece in self.symbols else self._bytes(piece)
            places.append(SymbolTokens(position, len(tokens), len(tokens) + len(own)))
            tokens += own
            spoken += " " * len(piece) if piece in self.symbols else piece
            position += len(piece)
        self._check(text, tokens)
        words = words_of(find_places({**utterance, "text": spoken}, "text", spoken), places)
        return {"tokens": np.array(tokens, np.int64), "words": words}

    def _pieces(self, text: str) -> list[str]:
        """Return the symbols and single characters of a text; the longest symbol wins."""
        symbols = sorted(self.symbols, key=len, reverse=True)
        return re.findall("|".join([*map(re.escape, symbols), "."]), text, re.DOTALL)

    def _bytes(self, character: str) -> list[int]:
        return [byte + self.offset for byte in character.encode("utf-8", "replace")]

    def _check(self, text: str, tokens: list[int]) -> None:
        if not tokens:
            raise RequestError("Utf8Bytes: the text is empty, so there is nothing to synthesize; give a text")
        if self.longest and len(tokens) > self.longest:
            problem = f"{text[:40]!r}... has {len(tokens)} bytes, and the voice reads up to {self.longest} at once"
            raise RequestError(f"Utf8Bytes: {problem}; give it in several requests")
