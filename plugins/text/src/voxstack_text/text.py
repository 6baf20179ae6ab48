"""Text: one written sentence to the tokens of an acoustic model."""
# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are the subject here

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack import AddonError, RequestError, Resources, SequenceBlock, Utterance
from voxstack_text.laying_out import lay_out
from voxstack_text.layout import Layout, Mark, Word
from voxstack_text.passage import Passage
from voxstack_text.pronunciation.g2p_network import ROLE, pronounce_by
from voxstack_text.pronunciation.homographs import resolve_homographs
from voxstack_text.pronunciation.lexicon import Lexicon
from voxstack_text.pronunciation.pronouncer import Pronouncer
from voxstack_text.tokens import token_features
from voxstack_text.whole_text import whole_text

if TYPE_CHECKING:
    from voxstack_text.user_lexicon.matching import UserLexicon

__all__ = ["Mark", "Text", "Word"]

_FINAL_SILENCE_RATE = {"": 1.0, ",": 1.5, " ": 4.0}
"""Factor on the speed of a passage's last silence, by the passage's ending.

An acoustic model makes the silence at the end of its input longer than one inside: amber 1.4 times at a comma. Where a
sentence is cut at a space there is no silence at all.
"""


@dataclass
class Text(SequenceBlock):
    """Reads ``text``, one sentence of US English, and gives its ``tokens``, (tokens, 6) int64, and its ``words``.

    Tokens are phones, with silences at both ends and at punctuation (columns: ``voxstack_text.tokens.FEATURES``); words
    are a list of :class:`Word`. Characters that have no reading are skipped, with a warning in the log. Phones between
    double square brackets are spoken as they are: ``[[hh ax0 l ow1]]``.

    Further entries have one value per token: ``phones``, their names; ``spoken``, the same with their stress and the
    words that begin with them (:class:`voxstack_text.tokens.Phone`); ``silences``, bool; ``pauses``, float64, the
    duration of a silence in seconds, NaN where the voice decides; ``rates``, float64, a factor on the speed; and
    ``volumes``, float64, dB. ``marks`` is a list of :class:`Mark`. A ``passage``
    (:class:`voxstack_text.passage.Passage`), which ``Sentences`` gives, holds the markup of the sentence.

    :param network: the network that pronounces words outside the lexicon; by default the addon's only one of role
        ``pronunciation``. Without any, such words are spelled letter by letter.
    :param lexicon: file of the addon with pronunciations that come before those of the built-in lexicon, as PLS or in
        lines of a word, a tab and its pronunciation. Those of a request's ``lexicon`` come before it.
    :param normaliser: a block that gives the ``spoken_words`` of a ``text``, for another language. By default, the
        rules of US English read it, and homographs are resolved.
    """

    network: str | None = None
    lexicon: str | None = None
    normaliser: SequenceBlock | None = None
    _scan: Callable[..., Any] | None = field(default=None, init=False, repr=False, compare=False)
    _own: Any = field(default=None, init=False, repr=False, compare=False)
    _pronouncer: Pronouncer | None = field(default=None, init=False, repr=False, compare=False)

    needs = frozenset({"text"})
    gives = frozenset({"tokens", "words", "phones", "spoken", "silences", "pauses", "rates", "volumes", "marks"})

    def load(self, addon: Resources) -> None:
        # The rules take 15 ms to compile: better now than when a caller waits for audio.
        import_module("voxstack_text.normalise.reader")
        network = None
        if self.network is not None or any(spec.role == ROLE for spec in addon.networks.values()):
            network = pronounce_by(addon.network(addon.select(self.network, ROLE).name))
        self._pronouncer = Pronouncer(Lexicon.built_in(), network)
        self._own = None if self.lexicon is None else _read_own(addon, self.lexicon)

        if self.normaliser is not None:
            from voxstack_text.normalise.other_normaliser import check_normaliser, scan_by

            check_normaliser(self.normaliser)
            self._scan = scan_by(self.normaliser)

    def check_lexicon(self, lexicon: UserLexicon) -> bool:
        from voxstack_text.user_lexicon.phones import check_phones  # most requests have none

        check_phones(lexicon)
        return True

    def with_own(self, lexicon: UserLexicon | None) -> UserLexicon | None:
        """Return a request's lexicon, if there is one, with that of the block after it, if there is one."""
        own: UserLexicon | None = self._own
        return lexicon if own is None else own if lexicon is None else lexicon.over(own)

    def layout(self, passage: Passage, lexicon: UserLexicon | None = None) -> Layout:
        """Return the phones and silences of a passage, with its words and marks.

        :param lexicon: pronunciations that come before the block's own.
        :raises RequestError: for phones that do not exist and for text that cannot be read, with the place.
        """
        assert self._pronouncer is not None, "Text runs after load(addon)"
        # Imported here because compiling the rules takes a while, and discovering plugins does not need them.
        from voxstack_text.normalise.reader import read_passage

        lexicon = self.with_own(lexicon)
        if self._scan is None:
            spoken = resolve_homographs(read_passage(passage, self._pronouncer.is_known, lexicon))
        else:
            spoken = read_passage(passage, self._pronouncer.is_known, lexicon, self._scan)
        return lay_out(passage, spoken, self._pronouncer)

    def __call__(self, utterance: Utterance) -> Utterance:
        passage = _passage(utterance)
        layout = self.layout(passage, utterance.get("lexicon")) if passage.layout is None else passage.layout
        rows = layout.rows
        phones = [row.phone for row in rows]
        rates = np.array([row.rate for row in rows])
        if math.isnan(rows[-1].seconds):
            rates[-1] *= _FINAL_SILENCE_RATE[passage.ending]
        return {
            "tokens": token_features(phones, "," if passage.ending else final_mark(passage.text)),
            "words": [word for word in layout.words if word.text.strip()],  # without what continues an insert
            "phones": [phone.name for phone in phones],
            "spoken": phones,
            "silences": np.array([row.silent for row in rows]),
            "pauses": np.array([row.seconds for row in rows]),
            "rates": rates,
            "volumes": np.array([row.volume for row in rows]),
            "marks": layout.marks,
        }


def _read_own(addon: Resources, name: str) -> UserLexicon:
    """Return the lexicon in a file of an addon.

    :raises AddonError: with the file, the line and what is wrong.
    """
    from voxstack_text.user_lexicon.matching import UserLexicon
    from voxstack_text.user_lexicon.phones import check_phones
    from voxstack_text.user_lexicon.sources import parse_lexicon

    try:
        lexicon = UserLexicon.of(parse_lexicon(addon.files.read(name), name))
        check_phones(lexicon)
    except RequestError as error:
        raise AddonError(addon.name, str(error)) from error
    return lexicon


def _passage(utterance: Utterance) -> Passage:
    passage: Passage | None = utterance.get("passage")
    if passage is not None:
        return passage
    if utterance.get("markup", "text") != "text":
        raise RequestError(
            f"Text reads plain text only, not {utterance['markup']!r}; "
            "put the stack's blocks into a Sentences, which reads markup"
        )
    return Passage(whole_text(utterance["text"], "Text"), utterance.get("text_start", 0))


def final_mark(text: str) -> str:
    """Return the mark that ends a sentence, "?", "!" or "."; quotes and brackets after it do not count."""
    last = text.rstrip(" \t\r\n\"'”’»)]}")[-1:]
    return {"?": "?", "!": "!", "？": "?", "！": "!"}.get(last, ".")
