"""Text: from one written sentence to the tokens of an acoustic model."""
# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are what this is about

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from itertools import chain

import numpy as np

from voxstack import RequestError, Resources, SequenceBlock, Utterance
from voxstack.networks import Network
from voxstack.networks.sizes import limits_of
from voxstack_text.layout import Layout, Mark, Word, lay_out
from voxstack_text.passage import Passage
from voxstack_text.pronunciation.homographs import resolve
from voxstack_text.pronunciation.lexicon import Lexicon
from voxstack_text.pronunciation.pronouncer import Pronouncer
from voxstack_text.pronunciation.syllables import letter_groups
from voxstack_text.pronunciation.symbols import LETTERS, Pronunciation, decode, encode
from voxstack_text.tokens import token_features

__all__ = ["Mark", "Text", "Word"]

ROLE = "pronunciation"
"""Role of a network that pronounces words: ``letters``, (batch, letters), to ``logits``, (batch, steps, symbols + 1)."""

_LAST_RATE = {"": 1.0, ",": 1.5, " ": 4.0}
"""How many times as fast the last silence of a piece goes by, by its ending. An acoustic model makes the silence at the end of
what it sees longer than one inside: amber 1.4 times as long at a comma, and where a sentence is cut at a space there is none."""


@dataclass
class Text(SequenceBlock):
    """Reads ``text``, one sentence of US English, and gives its ``tokens``, (tokens, 6) int64, and its ``words``.

    Tokens are phones with silences at both ends and at punctuation (columns: ``voxstack_text.tokens.FEATURES``); words are
    a list of :class:`Word`. Characters that cannot be read are left out, with a warning in the log. Phones between double
    square brackets are said as they are: ``[[hh ax0 l ow1]]``.

    With them come entries of one value a token: ``phones``, their names; ``silences``, whether it is one; ``pauses``, float64,
    the seconds that a silence lasts, NaN where the voice decides; ``rates``, float64, how many times as fast it is spoken; and
    ``volumes``, float64, dB. ``marks`` is a list of :class:`Mark`. A ``passage`` (:class:`voxstack_text.passage.Passage`), which
    ``Sentences`` gives, says what shall be different from plain text.

    :param network: the network that pronounces words outside the lexicon; the addon's only one of role ``pronunciation``,
        unless given. Without any, such words are spelled letter by letter.
    """

    network: str | None = None
    _pronouncer: Pronouncer | None = field(default=None, init=False, repr=False, compare=False)

    needs = frozenset({"text"})
    gives = frozenset({"tokens", "words", "phones", "silences", "pauses", "rates", "volumes", "marks"})

    def load(self, addon: Resources) -> None:
        import_module(
            "voxstack_text.normalise.reader"
        )  # its rules take 15 ms to compile: now, and not when somebody waits for audio
        network = None
        if self.network is not None or any(spec.role == ROLE for spec in addon.networks.values()):
            network = _by_network(addon.network(addon.select(self.network, ROLE).name))
        self._pronouncer = Pronouncer(Lexicon.built_in(), network)

    def layout(self, passage: Passage) -> Layout:
        """What a passage is spoken as."""
        assert self._pronouncer is not None, "Text runs after load(addon)"
        from voxstack_text.normalise.reader import (
            read,  # its rules take a while to compile, and looking for plugins needs none
        )

        return lay_out(passage, resolve(read(passage, self._pronouncer.knows)), self._pronouncer)

    def __call__(self, utterance: Utterance) -> Utterance:
        passage = _passage(utterance)
        layout = self.layout(passage) if passage.layout is None else passage.layout
        rows = layout.rows
        rates = np.array([row.rate for row in rows])
        if math.isnan(rows[-1].seconds):
            rates[-1] *= _LAST_RATE[passage.ending]
        return {
            "tokens": token_features([row.phone for row in rows], "," if passage.ending else final_mark(passage.text)),
            "words": layout.words,
            "phones": [row.phone.name for row in rows],
            "silences": np.array([row.silent for row in rows]),
            "pauses": np.array([row.seconds for row in rows]),
            "rates": rates,
            "volumes": np.array([row.volume for row in rows]),
            "marks": layout.marks,
        }


def _passage(utterance: Utterance) -> Passage:
    passage: Passage | None = utterance.get("passage")
    if passage is not None:
        return passage
    if utterance.get("markup", "text") != "text":
        raise RequestError(
            f"Text reads plain text, and not {utterance['markup']!r}; put the stack's blocks into a Sentences, which does"
        )
    text = utterance["text"]
    return Passage(text if isinstance(text, str) else "".join(text), utterance.get("text_start", 0))


def final_mark(text: str) -> str:
    """How a sentence ends: "?", "!" or "."; quotes and brackets behind that do not count."""
    last = text.rstrip(" \t\r\n\"'”’»)]}")[-1:]
    return {"?": "?", "!": "!", "？": "?", "！": "!"}.get(last, ".")


def _by_network(network: Network) -> Callable[[str], Pronunciation]:
    """Pronounces by the network, word by word; where its sizes are fixed and may be split for, in parts that it can take."""
    most = limits_of(network).get("letters")

    def pronounce(word: str) -> Pronunciation:
        plain = "".join(letter for letter in word if letter in LETTERS)
        parts = [
            decode(network(letters=encode(part)[None])["logits"][0])
            for part in letter_groups(plain, most or len(plain))
        ]
        return tuple(chain(*parts)) if all(parts) else ()

    return pronounce
