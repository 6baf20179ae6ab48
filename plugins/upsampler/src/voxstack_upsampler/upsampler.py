"""Upsampler: expands what is known of each token while it is streamed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, NetworkError, Resources, Schedule, StreamableBlock, Utterance
from voxstack_upsampler.chunks import chunks
from voxstack_upsampler.durations import same_tokens, whole_frames
from voxstack_upsampler.expansion import Expansion
from voxstack_upsampler.positions import Contours
from voxstack_upsampler.timing import report


@dataclass
class Upsampler(StreamableBlock):
    """Repeats the encoding of each token for the frames that it lasts: (tokens, channels) to (frames, channels).

    It is the head of a stream: the request's schedule says how many frames go out at a time. Durations, (tokens,), may be
    fractions of frames: each token ends at the frame nearest to the sum of all durations so far, so that rounding never
    adds up.

    It knows when everything is said, and reports it to the request's timeline, where there is one: ``words`` (objects with
    ``text``, ``start`` and ``end``, characters of the piece of text that begins at ``text_start``; ``first_token`` and
    ``tokens``), ``phones`` (a name a token), ``marks`` (objects with ``text``, ``start``, ``end`` and the ``token`` with whose
    beginning they are reached) and ``unit`` (the whole: an object with ``kind``, such as sentence, ``text``, ``start`` and
    ``end``), as far as the utterance has them.

    :param positions: append four channels that say where in its token a frame stands: its place from 0 to 1, a third of the
        logarithm of the token's frames, and the frames to its start and end, in tenths, at most 1.
    :param least: frames that a token lasts at least.
    :param contours: names of tensors, (tokens,), such as pitch and energy, to append as a channel each, in this order; unless given,
        whatever else the addon's networks of role ``encoder`` say of each token with one number, as they do with ``durations``. A
        contour does not jump between tokens: it runs straight from the middle of each to the middle of the next.
    """

    positions: bool = True
    least: int = field(default=1, metadata={"minimum": 0})
    contours: list[str] | None = None
    _found: tuple[str, ...] = field(default=(), init=False, repr=False, compare=False)

    head = True
    makes = "frames"

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"encoded", "durations", *self._names})

    @property
    def _names(self) -> Sequence[str]:
        return self._found if self.contours is None else self.contours

    def load(self, addon: Resources) -> None:
        encoders = [spec for spec in addon.networks.values() if spec.role == "encoder"]
        outputs = {name: tensor.shape for spec in encoders for name, tensor in spec.outputs.items()}
        self._found = tuple(
            name for name, shape in outputs.items() if name != "durations" and shape == outputs.get("durations")
        )

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        encoded = np.asarray(utterance["encoded"])
        durations = self.whole_frames(utterance["durations"])
        same_tokens("encoded", encoded, durations, "Upsampler")
        ends = np.cumsum(durations)
        expansion = Expansion(encoded, durations, self.positions, self._contours(utterance, ends))
        report(utterance, ends)
        for chunk in chunks(expansion.total, utterance.get("schedule", Schedule())):
            yield expansion.frames(chunk.start, chunk.stop)

    def _contours(self, utterance: Utterance, ends: np.ndarray) -> Contours | None:
        if not self._names:
            return None
        columns = [np.asarray(utterance[name]) for name in self._names]
        for name, column in zip(self._names, columns, strict=True):
            if column.shape != ends.shape:
                shapes = f"{name!r} has the shape {column.shape} and 'durations' {ends.shape}"
                raise NetworkError(f"Upsampler: {shapes}; a contour has one value a token")
            if not np.isfinite(column).all():
                raise NetworkError(
                    f"Upsampler: {name!r} has values that are not finite; a contour is drawn through all of them"
                )
        return Contours(np.stack(columns, 1), ends)

    def whole_frames(self, durations: np.ndarray) -> np.ndarray:
        """Round durations, (tokens,), to whole frames, int64."""
        return whole_frames(durations, self.least, "Upsampler")
