"""How the teacher is to speak a line: its pitch and its pace.

The teacher's own pitch hardly moves (1.5 semitones), and it asks, calls and tells in one tone. Its synthesis filter takes any
pitch, though. So one half of the corpus is spoken as the voice is meant to speak, with questions that rise and exclamations
that move; this half teaches what to predict. The other half is spoken in all manners, so that networks learn to follow a pitch
and a length that are given to them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

OPEN = frozenset("why when how where what who whose which".split())


@dataclass(frozen=True)
class Delivery:
    """Pitch and pace of one line.

    :param shift: semitones up.
    :param span: factor on the distance of the pitch from its mean, in semitones.
    :param rise: semitones by which the last 0.35 s rise.
    :param stretch: factor on all durations.
    :param usual: whether the voice would speak this line so unasked.
    """

    shift: float = 0.0
    span: float = 1.0
    rise: float = 0.0
    stretch: float = 1.0
    usual: bool = True

    def __str__(self) -> str:
        """As ``teacher.c`` reads it."""
        return f"{self.shift:g} {self.span:g} {self.rise:g} {self.stretch:g}"


PLAIN = Delivery()


def usual(line: str) -> Delivery:
    """How the voice speaks ``line``: questions rise, those that a yes answers most; exclamations are higher and livelier."""
    if line.endswith("?"):
        return Delivery(rise=3.0 if line.split()[0].lower().strip(",?") in OPEN else 7.0, span=1.2)
    return Delivery(shift=1.5, span=1.8, stretch=0.95) if line.endswith("!") else PLAIN


def any_manner(draw: random.Random) -> Delivery:
    """Some delivery: 5 semitones up or down, flat to lively, rising and falling, slow and fast."""
    return Delivery(
        shift=round(draw.uniform(-5, 5), 2),
        span=round(draw.uniform(0.2, 2.6), 2),
        rise=round(draw.uniform(-4, 9), 2) if draw.random() < 0.4 else 0.0,
        stretch=round(draw.uniform(0.75, 1.35), 2),
        usual=False,
    )
