"""Expand: the same expansion, for networks that need a whole utterance at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from voxstack import NetworkError, SequenceBlock, Utterance
from voxstack_upsampler.durations import same_tokens, whole_frames
from voxstack_upsampler.expansion import Expansion


@dataclass
class Expand(SequenceBlock):
    """Repeats what is known of each token for the frames that it lasts, all at once: (tokens, channels) to (frames, channels).

    For networks that need the whole utterance, such as decoders that attend to all of it; what they make is given out by
    ``WholeFrames``. Frames are counted as ``Upsampler`` counts them: each token ends at the frame nearest to the sum of all
    ``durations`` so far.

    :param tensor: name of what is repeated, (tokens, channels) or (tokens,).
    :param name: of the result.
    :param positions: append the four channels that ``Upsampler`` appends, which say where in its token a frame stands.
    :param least: frames that a token lasts at least.
    """

    tensor: str = "encoded"
    name: str = "frames"
    positions: bool = False
    least: int = field(default=1, metadata={"minimum": 0})

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.tensor, "durations"})

    @property
    def gives(self) -> frozenset[str]:
        return frozenset({self.name})

    def __call__(self, utterance: Utterance) -> Utterance:
        rows = np.asarray(utterance[self.tensor])
        durations = whole_frames(utterance["durations"], self.least, "Expand")
        same_tokens(self.tensor, rows, durations, "Expand")
        if self.positions and rows.ndim != 2:
            raise NetworkError(
                f"Expand: {self.tensor!r} has the shape {rows.shape}; positions are appended to (tokens, channels)"
            )
        expansion = Expansion(rows, durations, self.positions)
        return {self.name: expansion.frames(0, expansion.total)}
