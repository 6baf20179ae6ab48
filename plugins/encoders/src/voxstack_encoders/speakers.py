"""The block ``Speakers``, which turns the name of a speaker into its number."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from voxstack import RequestError, SequenceBlock, StackError, Utterance, did_you_mean


@dataclass
class Speakers(SequenceBlock):
    """Turns the control ``speaker``, a name or a number, into ``speaker_id``, () int64, which a network looks up.

    :param names: names of all speakers; the index of each is its number.
    :param default: name of the speaker if the request names none; by default the first.
    :param rates: factor of each speaker, by number, on the control ``rate``, for models whose speakers differ in speed.
    """

    names: list[str] = field(metadata={"minItems": 1})
    default: str | None = None
    rates: list[float] | None = None

    @property
    def needs(self) -> frozenset[str]:
        return frozenset() if self.rates is None else frozenset({"rate"})

    @property
    def gives(self) -> frozenset[str]:
        return frozenset({"speaker_id"}) | self.needs

    def load(self, addon: object) -> None:
        twice = [name for name, count in Counter(self.names).items() if count > 1]
        if twice:
            raise StackError("names", f"two speakers are named {min(twice)!r}; rename one of them")
        if self.default is not None and self.default not in self.names:
            raise StackError("default", f"{self.default!r} is not a speaker{did_you_mean(self.default, self.names)}")
        if self.rates is not None and (len(self.rates) != len(self.names) or min(self.rates) <= 0):
            raise StackError("rates", f"has {self.rates}; write one number above 0 for each of {len(self.names)} names")

    def __call__(self, utterance: Utterance) -> Utterance:
        number = self._number(utterance.get("speaker", self.default))
        rate = {} if self.rates is None else {"rate": utterance["rate"] * self.rates[number]}
        return {"speaker_id": np.array(number, np.int64), **rate}

    def _number(self, speaker: object) -> int:
        if speaker is None:
            return 0
        if isinstance(speaker, str) and speaker in self.names:
            return self.names.index(speaker)
        number = int(speaker) if isinstance(speaker, str) and speaker.isascii() and speaker.isdigit() else speaker
        if isinstance(number, int | np.integer) and not isinstance(number, bool) and 0 <= number < len(self.names):
            return int(number)
        available = ", ".join(self.names[:12]) + (f", ... ({len(self.names)} in all)" if len(self.names) > 12 else "")
        suggestion = did_you_mean(speaker, self.names)
        raise RequestError(
            f"Speakers: there is no speaker {speaker!r}{suggestion}; use a number below {len(self.names)}, or one of "
            f"{available}"
        )
