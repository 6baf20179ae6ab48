"""The block ``Expand``, which expands tokens to frames all at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from voxstack import NetworkError, SequenceBlock, Utterance
from voxstack_upsampler.durations import LEAST, check_tokens, round_durations
from voxstack_upsampler.length_regulator import LengthRegulator

MAX_ELEMENTS = 2**26
"""Elements of the result without positions: 256 MiB."""


@dataclass
class Expand(SequenceBlock):
    """Repeats the row of each token for the frames that it lasts, at once: (tokens, channels) to (frames, channels).

    It serves networks that need the whole utterance, such as decoders that attend to all of it; ``WholeFrames`` streams
    their results. Frames are counted as ``Upsampler`` counts them: each token ends at the frame nearest to the sum of
    all ``durations`` so far.

    :param tensor: name of the tensor to expand, (tokens, channels) or (tokens,).
    :param name: name of the result.
    :param positions: whether to append the four channels that ``Upsampler`` appends: the position of a frame in its
        token.
    :param least: fewest frames of a token.
    """

    tensor: str = "encoded"
    name: str = "frames"
    positions: bool = False
    least: int = field(default=1, metadata=LEAST)

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.tensor, "durations"})

    @property
    def gives(self) -> frozenset[str]:
        return frozenset({self.name})

    def __call__(self, utterance: Utterance) -> Utterance:
        rows = np.asarray(utterance[self.tensor])
        durations = round_durations(utterance["durations"], self.least, "Expand")
        check_tokens(self.tensor, rows, durations, "Expand")
        if self.positions and rows.ndim != 2:
            raise NetworkError(
                f"Expand: {self.tensor!r} has the shape {rows.shape}; positions are appended to (tokens, channels)"
            )
        regulator = LengthRegulator(rows, durations, self.positions)
        if regulator.total * rows[:1].size > MAX_ELEMENTS:
            frames = f"{regulator.total} frames of {rows[:1].size} channels, which all stay in memory"
            raise NetworkError(f"Expand: 'durations' gives {frames}; shorten the text, or use an Upsampler")
        return {self.name: regulator.frames(0, regulator.total)}
