"""Speakers: who speaks, as the number that networks know them by."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from voxstack import RequestError, SequenceBlock, StackError, Utterance, did_you_mean


@dataclass
class Speakers(SequenceBlock):
    """Turns the control ``speaker``, a name or a number, to ``speaker_id``, an int64 without axes, which a network looks up.

    :param names: of all speakers; the place of each is its number.
    :param default: who speaks if the request does not say.
    """

    names: list[str] = field(metadata={"minItems": 1})
    default: str | None = None

    gives = frozenset({"speaker_id"})

    def load(self, addon: object) -> None:
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise StackError("names", f"two speakers are named {twice[0]!r}; a name is one speaker")
        if self.default is not None and self.default not in self.names:
            raise StackError("default", f"{self.default!r} is no speaker{did_you_mean(self.default, self.names)}")

    def __call__(self, utterance: Utterance) -> Utterance:
        return {"speaker_id": np.array(self._number(utterance.get("speaker", self.default)), np.int64)}

    def _number(self, speaker: object) -> int:
        if speaker is None:
            return 0
        if isinstance(speaker, str) and speaker in self.names:
            return self.names.index(speaker)
        number = int(speaker) if isinstance(speaker, str) and speaker.isascii() and speaker.isdigit() else speaker
        if isinstance(number, int | np.integer) and not isinstance(number, bool) and 0 <= number < len(self.names):
            return int(number)
        shown = ", ".join(self.names[:12]) + (f", ... ({len(self.names)} in all)" if len(self.names) > 12 else "")
        close = did_you_mean(speaker, self.names) if isinstance(speaker, str) else ""
        raise RequestError(
            f"Speakers: there is no speaker {speaker!r}{close}; give a number below {len(self.names)}, or one of {shown}"
        )
