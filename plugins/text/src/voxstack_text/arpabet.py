"""Arpabet: phones of ``Text`` as tokens of models that were trained on the phones of g2p_en or CMUdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, compress

import numpy as np

from voxstack import SequenceBlock, StackError, Utterance
from voxstack_text.text import Text
from voxstack_text.tokens import PAUSES, VOWELS, Phone

_MARKS = {number: mark for mark, number in PAUSES.items() if mark != "start"}
_END_VALUES = {"silences": True, "pauses": np.nan, "rates": 1.0, "volumes": 0.0}
"""Values at the tokens of ``end``."""


@dataclass
class Arpabet(SequenceBlock):
    """Looks up the phones of ``Text`` in the table of another model.

    It replaces ``tokens``, (tokens, 6), by ``tokens``, (tokens,) int64.

    Phones are written as in CMUdict, vowels with their stress: ``HH AH0 L OW1``. ``Text`` has no secondary stress, so
    there is no 2. Silences are the marks that they stand for: ``,`` inside a sentence, ``.``, ``?`` or ``!`` at its
    end, and nothing before it. Phones and marks that the table lacks are skipped. The entries of ``Text`` with one
    value per token, and the places of words and marks, are updated to the new tokens.

    :param symbols: the number of each phone and mark.
    :param end: tokens after all others.
    """

    symbols: dict[str, int]
    end: list[int] = field(default_factory=list)

    needs = gives = Text.gives

    def load(self, addon: object) -> None:
        if not any(symbol.lower().rstrip("01") in VOWELS for symbol in self.symbols):
            raise StackError(
                "symbols", "has no vowel of CMUdict, such as AH0 or OW1; Characters looks up other symbols"
            )

    def __call__(self, utterance: Utterance) -> Utterance:
        rows = np.asarray(utterance["tokens"])
        names = [
            _cmudict_name(phone, int(row[1]), int(row[4])) for phone, row in zip(utterance["phones"], rows, strict=True)
        ]
        kept = [name in self.symbols for name in names]
        index = [0, *accumulate(kept)]  # the new index of each old token, and the number of kept ones
        phones = [name for name, keep in zip(names, kept, strict=True) if keep]
        ends = len(self.end)
        return {
            "tokens": np.array([*(self.symbols[name] for name in phones), *self.end], np.int64),
            "phones": phones + ["pau"] * ends,
            "spoken": [*_renamed(compress(utterance["spoken"], kept), phones), *[Phone("pau")] * ends],
            "words": [
                word._replace(
                    first_token=index[word.first_token],
                    tokens=index[word.first_token + word.tokens] - index[word.first_token],
                )
                for word in utterance["words"]
                if index[word.first_token + word.tokens] > index[word.first_token]
            ],
            "marks": [
                mark._replace(token=min(index[mark.token], max(0, index[-1] + ends - 1))) for mark in utterance["marks"]
            ],
            **{name: _kept_and_end(utterance[name], kept, ends, value) for name, value in _END_VALUES.items()},
        }


def _cmudict_name(phone: str, stress: int, pause: int) -> str:
    """Return a phone as CMUdict writes it, or the mark that a silence stands for."""
    if phone == "pau":
        return _MARKS.get(pause, "")
    name = "AH" if phone == "ax" else phone.upper()
    return f"{name}{stress}" if phone in VOWELS else name


def _kept_and_end(values: np.ndarray, kept: list[bool], ends: int, value: object) -> np.ndarray:
    """Return the values of the kept tokens, then ``value`` for each of the ``ends`` tokens after them."""
    values = np.asarray(values)[np.array(kept, bool)]
    return np.concatenate([values, np.full(ends, value, values.dtype)])


def _renamed(phones: Iterable[Phone], names: Iterable[str]) -> Iterator[Phone]:
    return (Phone(name, word=phone.word) for phone, name in zip(phones, names, strict=True))
