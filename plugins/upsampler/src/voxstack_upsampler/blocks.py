"""The blocks of this plugin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, NetworkError, Schedule, StreamableBlock, Utterance
from voxstack.addon import Addon
from voxstack_upsampler.positions import Contours, positions
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

    def load(self, addon: Addon) -> None:
        encoders = [spec for spec in addon.networks.values() if spec.role == "encoder"]
        outputs = {name: tensor.shape for spec in encoders for name, tensor in spec.outputs.items()}
        self._found = tuple(name for name, shape in outputs.items() if name != "durations" and shape == outputs.get("durations"))

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        encoded = np.asarray(utterance["encoded"])
        durations = self.whole_frames(utterance["durations"])
        if len(encoded) != len(durations):
            counts = f"'encoded' has {len(encoded)} tokens and 'durations' has {len(durations)}"
            raise NetworkError(f"Upsampler: {counts}; both must be of the same tokens")
        ends = np.cumsum(durations)
        total = int(ends[-1]) if len(ends) else 0
        contours = self._contours(utterance, ends)
        report(utterance, ends)
        start = 0
        for size in utterance.get("schedule", Schedule()).sizes():
            if start >= total:
                return
            stop = start + size if total - start - size > size // 2 else total  # a small rest costs more as a chunk of its own
            yield self._frames(encoded, durations, ends, contours, start, stop)
            start = stop

    def _contours(self, utterance: Utterance, ends: np.ndarray) -> Contours | None:
        if not self._names:
            return None
        columns = [np.asarray(utterance[name]) for name in self._names]
        for name, column in zip(self._names, columns, strict=True):
            if column.shape != ends.shape:
                shapes = f"{name!r} has the shape {column.shape} and 'durations' {ends.shape}"
                raise NetworkError(f"Upsampler: {shapes}; a contour has one value a token")
            if not np.isfinite(column).all():
                raise NetworkError(f"Upsampler: {name!r} has values that are not finite; a contour is drawn through all of them")
        return Contours(np.stack(columns, 1), ends)

    def whole_frames(self, durations: np.ndarray) -> np.ndarray:
        """Round durations, (tokens,), to whole frames, int64."""
        values = np.asarray(durations, np.float64)
        if not np.isfinite(values).all() or (values < 0).any():
            raise NetworkError("Upsampler: 'durations' has values that are negative or not finite; frames are counted from 0 up")
        whole = np.rint(np.cumsum(values))
        whole[1:] -= whole[:-1].copy()
        return np.maximum(whole, self.least).astype(np.int64)

    def _frames(
        self, encoded: np.ndarray, durations: np.ndarray, ends: np.ndarray, contours: Contours | None, start: int, stop: int
    ) -> np.ndarray:
        """Frames ``start`` to ``stop``; only the tokens that they belong to are looked at."""
        first = int(np.searchsorted(ends, start, "right"))
        last = int(np.searchsorted(ends, stop, "left")) + 1
        skip = start - int(ends[first] - durations[first])
        window = slice(skip, skip + stop - start)
        parts = [np.repeat(encoded[first:last], durations[first:last], axis=0)[window]]
        if self.positions:
            parts.append(positions(durations[first:last])[window])
        if contours:
            parts.append(contours.frames(start, stop))
        return np.concatenate(parts, 1, dtype=encoded.dtype, casting="same_kind") if len(parts) > 1 else parts[0]
