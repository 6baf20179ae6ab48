"""Arpabet: what ``Text`` reads, as tokens of models that were trained on the phones of g2p_en or CMUdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np

from voxstack import SequenceBlock, StackError, Utterance
from voxstack_text.text import Text
from voxstack_text.tokens import PAUSES

_VOWELS = frozenset("aa ae ah ao aw ax ay eh er ey ih iy ow oy uh uw".split())
_MARKS = {number: mark for mark, number in PAUSES.items() if mark != "start"}


@dataclass
class Arpabet(SequenceBlock):
    """Looks up the phones of ``Text`` in the table of another model: ``tokens``, (tokens, 6), to ``tokens``, (tokens,) int64.

    Phones are written as CMUdict writes them, with the stress of vowels: ``HH AH0 L OW1``. ``Text`` knows no secondary stress, so
    there is no 2. Silences are the marks that they stand for: ``,`` inside a sentence, ``.``, ``?`` or ``!`` at its end, and nothing
    before it. What the table does not have is left out. All that ``Text`` says of each token, and where words and marks are, follows.

    :param symbols: the number of each phone and mark.
    :param end: tokens behind all others.
    """

    symbols: dict[str, int]
    end: list[int] = field(default_factory=list)

    needs = gives = Text.gives

    def load(self, addon: object) -> None:
        if not any(symbol.lower().rstrip("01") in _VOWELS for symbol in self.symbols):
            raise StackError(
                "symbols", "has no vowel of CMUdict, such as AH0 or OW1; Characters looks up other symbols"
            )

    def __call__(self, utterance: Utterance) -> Utterance:
        rows = np.asarray(utterance["tokens"])
        names = [
            _written(phone, int(row[1]), int(row[4])) for phone, row in zip(utterance["phones"], rows, strict=True)
        ]
        kept = [name in self.symbols for name in names]
        place = [0, *accumulate(kept)]  # where each token has gone, and what comes behind the last
        phones = [name for name, keep in zip(names, kept, strict=True) if keep]
        ends = len(self.end)
        return {
            "tokens": np.array([*(self.symbols[name] for name in phones), *self.end], np.int64),
            "phones": phones + ["pau"] * ends,
            "words": [
                word._replace(
                    first_token=place[word.first_token],
                    tokens=place[word.first_token + word.tokens] - place[word.first_token],
                )
                for word in utterance["words"]
                if place[word.first_token + word.tokens] > place[word.first_token]
            ],
            "marks": [
                mark._replace(token=min(place[mark.token], max(0, place[-1] + ends - 1))) for mark in utterance["marks"]
            ],
            **{name: _behind(utterance[name], kept, ends, value) for name, value in _REST.items()},
        }


_REST = {"silences": True, "pauses": np.nan, "rates": 1.0, "volumes": 0.0}


def _written(phone: str, stress: int, pause: int) -> str:
    """How CMUdict writes a phone, or the mark that a silence stands for."""
    if phone == "pau":
        return _MARKS.get(pause, "")
    name = "AH" if phone == "ax" else phone.upper()
    return f"{name}{stress}" if phone in _VOWELS else name


def _behind(values: np.ndarray, kept: list[bool], ends: int, value: object) -> np.ndarray:
    """Values of the tokens that are kept, and of those behind them."""
    values = np.asarray(values)[np.array(kept, bool)]
    return np.concatenate([values, np.full(ends, value, values.dtype)])
