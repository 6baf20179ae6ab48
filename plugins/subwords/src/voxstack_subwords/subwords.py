"""Subwords: texts to the tokens of a trained subword tokenizer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from voxstack import RequestError, Resources, SequenceBlock, StackError, Utterance
from voxstack_subwords.prepared_text import PreparedText
from voxstack_subwords.tokenizer_files import Encoding, Tokenizer, open_tokenizer


class Word(NamedTuple):
    """One written word and its place among the tokens of the utterance.

    :param text: the word as written, with the marks around it.
    :param start: index of its first character in the request's text, counted from ``text_start``.
    :param end: index after its last character, counted likewise.
    :param first_token: its first token.
    :param tokens: number of its tokens.
    """

    text: str
    start: int
    end: int
    first_token: int
    tokens: int


@dataclass
class Subwords(SequenceBlock):
    """Reads ``text`` as the ``tokens``, (tokens,) int64, of a subword tokenizer in the addon, and gives its ``words``.

    The tokenizer is a SentencePiece model (Kudo and Richardson 2018, arXiv:1808.06226), or a ``tokenizer.json`` of
    Hugging Face's tokenizers; its library is imported when the voice is loaded. ``words`` is a list of :class:`Word`,
    and ``word_count``, () int64, their number. A model may have been trained on texts of one form only: ``replace``,
    ``squeeze``, ``capitalize`` and ``final`` bring a text into that form.

    :param file: the tokenizer's file in the addon: ``.model`` or ``.json``.
    :param start: tokens before all others.
    :param end: tokens after all others.
    :param before: text that the tokenizer reads before each text, without its tokens: the token of a first word may
        depend on what is before it.
    :param after: likewise, after each text.
    :param special: add the special tokens that the tokenizer's file itself adds to a text.
    :param replace: what stands for a character, for each that is replaced.
    :param squeeze: read a run of white space as one space, and none at the ends.
    :param capitalize: read the first letter as a capital.
    :param final: a mark to end a text with that has none.
    """

    file: str = "tokenizer.json"
    start: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    before: str = ""
    after: str = ""
    special: bool = False
    replace: dict[str, str] = field(default_factory=dict)
    squeeze: bool = False
    capitalize: bool = False
    final: str = ""
    _tokenizer: Tokenizer | None = field(default=None, init=False, repr=False, compare=False)

    needs = frozenset({"text"})
    gives = frozenset({"tokens", "words", "word_count"})

    def load(self, addon: Resources) -> None:
        long = [character for character in self.replace if len(character) != 1]
        if long:
            raise StackError("replace", f"{long[0]!r} is not one character; give a replacement for each character")
        self._tokenizer = open_tokenizer(addon.file(self.file), self.special)

    def prepare(self, text: str) -> PreparedText:
        """Return a text in the form that the tokenizer reads."""
        return PreparedText.of(text, self.replace, self.squeeze, self.capitalize, self.final)

    def __call__(self, utterance: Utterance) -> Utterance:
        assert self._tokenizer is not None, "Subwords runs after load(addon)"
        text = utterance["text"]
        prepared = self.prepare(text)
        encoding = self._tokenizer.encode(self.before + prepared.text + self.after)
        if self.before or self.after:
            encoding = encoding.inside(len(self.before), len(self.before) + len(prepared.text))
        if not encoding.tokens:
            problem = f"{text!r} has no tokens, so there is nothing to synthesize; give a text of the voice's language"
            raise RequestError(f"Subwords: {problem}")
        words = list(_words(text, prepared, encoding, len(self.start)))
        return {
            "tokens": np.array([*self.start, *encoding.tokens, *self.end], np.int64),
            "words": words,
            "word_count": np.array(len(words), np.int64),
        }


def _words(text: str, prepared: PreparedText, encoding: Encoding, before: int) -> Iterator[Word]:
    """Yield the words of a text.

    A token that stands for the blank before a word alone belongs to no word.

    :param before: tokens before those of the encoding.
    """
    token = 0
    for start, end in prepared.words():
        while token < len(encoding.spans) and encoding.spans[token][1] <= start:
            token += 1
        first = token
        while token < len(encoding.spans) and encoding.spans[token][0] < end:
            token += 1
        begin, stop = prepared.origin(start, end)
        yield Word(text[begin:stop], begin, stop, before + first, token - first)
