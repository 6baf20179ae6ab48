"""The delivery of a line by the teacher: its pitch and its pace.

The teacher's own pitch hardly moves (1.5 semitones), and is the same for questions, exclamations and statements. Its
synthesis filter accepts any pitch, though. So one half of the corpus is spoken as the voice should speak, with rising
questions and lively exclamations; this half teaches what to predict. The other half is spoken with random deliveries,
so that networks learn to follow any pitch and length that they are given.
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
    :param rise: semitones by which the pitch rises over the last 0.35 s.
    :param stretch: factor on all durations.
    :param usual: whether the voice would speak this line so by default.
    """

    shift: float = 0.0
    span: float = 1.0
    rise: float = 0.0
    stretch: float = 1.0
    usual: bool = True

    def __str__(self) -> str:
        """Return the four numbers that ``teacher.c`` reads."""
        return f"{self.shift:g} {self.span:g} {self.rise:g} {self.stretch:g}"


PLAIN = Delivery()


def usual_delivery(line: str) -> Delivery:
    """Return the default delivery of ``line``.

    Questions rise, yes-no questions most; exclamations are higher and livelier.
    """
    if line.endswith("?"):
        return Delivery(rise=3.0 if line.split()[0].lower().strip(",?") in OPEN else 7.0, span=1.2)
    return Delivery(shift=1.5, span=1.8, stretch=0.95) if line.endswith("!") else PLAIN


def random_delivery(rng: random.Random) -> Delivery:
    """Draw a delivery: up to 5 semitones up or down, flat to lively, rising or falling, slow or fast."""
    return Delivery(
        shift=round(rng.uniform(-5, 5), 2),
        span=round(rng.uniform(0.2, 2.6), 2),
        rise=round(rng.uniform(-4, 9), 2) if rng.random() < 0.4 else 0.0,
        stretch=round(rng.uniform(0.75, 1.35), 2),
        usual=False,
    )
