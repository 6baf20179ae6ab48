"""The block ``Upsampler``, which expands tokens to frames while they are streamed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, NetworkError, Resources, Schedule, StreamableBlock, Utterance
from voxstack_upsampler.chunk_slices import chunk_slices
from voxstack_upsampler.contours import Contours
from voxstack_upsampler.duration_events import report_events
from voxstack_upsampler.durations import LEAST, check_tokens, round_durations
from voxstack_upsampler.length_regulator import LengthRegulator


@dataclass
class Upsampler(StreamableBlock):
    """Repeats the encoding of each token for the frames that it lasts: (tokens, channels) to (frames, channels).

    It is the head of a stream: the request's schedule determines the frames of each chunk. ``durations``, (tokens,),
    may be fractions of frames: each token ends at the frame nearest to the sum of all durations so far, so that
    rounding errors do not accumulate.

    It reports events to the request's timeline, if there is one, as far as the utterance has ``words`` (objects with
    ``text``, ``start`` and ``end``, characters of the part of the text that begins at ``text_start``; ``first_token``
    and ``tokens``), ``phones`` (one name per token), ``marks`` (objects with ``text``, ``start``, ``end`` and the
    ``token`` at whose beginning they are reached) and ``unit`` (the whole: an object with ``kind``, such as sentence,
    ``text``, ``start`` and ``end``).

    :param positions: whether to append four channels with the position of a frame in its token: its place from 0 to 1,
        a third of the logarithm of the token's frames, and the frames to its start and end, in tenths, at most 1.
    :param least: fewest frames of a token.
    :param contours: names of tensors, (tokens,), such as pitch and energy, of which one channel each is appended, in
        this order; by default, all other outputs of the addon's networks of role ``encoder`` with the shape of
        ``durations``. A contour is linear from the middle of each token to the middle of the next.
    """

    positions: bool = True
    least: int = field(default=1, metadata=LEAST)
    contours: list[str] | None = None
    _channels: int = field(default=0, init=False, repr=False, compare=False)
    _default_contours: tuple[str, ...] = field(default=(), init=False, repr=False, compare=False)

    head = True
    makes = "frames"

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"encoded", "durations", *self._contour_names})

    @property
    def makes_features(self) -> Mapping[str, int]:
        if not self._channels:
            return {}
        positions = {"positions": 4} if self.positions else {}
        return {"encoded": self._channels, **positions, **dict.fromkeys(self._contour_names, 1)}

    @property
    def _contour_names(self) -> Sequence[str]:
        return self._default_contours if self.contours is None else self.contours

    def load(self, addon: Resources) -> None:
        encoders = [spec for spec in addon.networks.values() if spec.role == "encoder"]
        outputs = {name: tensor.shape for spec in encoders for name, tensor in spec.outputs.items()}
        self._default_contours = tuple(
            name for name, shape in outputs.items() if name != "durations" and shape == outputs.get("durations")
        )
        channels = outputs.get("encoded", (0,))[-1]
        self._channels = channels if isinstance(channels, int) else 0

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        encoded = np.asarray(utterance["encoded"])
        durations = self.round_durations(utterance["durations"])
        check_tokens("encoded", encoded, durations, "Upsampler")
        ends = np.cumsum(durations)
        regulator = LengthRegulator(encoded, durations, self.positions, self._contours(utterance, ends))
        report_events(utterance, ends)
        for chunk in chunk_slices(regulator.total, utterance.get("schedule", Schedule())):
            yield regulator.frames(chunk.start, chunk.stop)

    def round_durations(self, durations: np.ndarray) -> np.ndarray:
        """Round durations, (tokens,), to whole frames, int64, as this block does."""
        return round_durations(durations, self.least, "Upsampler")

    def _contours(self, utterance: Utterance, ends: np.ndarray) -> Contours | None:
        names = self._contour_names
        if not names:
            return None
        columns = [np.asarray(utterance[name]) for name in names]
        for name, column in zip(names, columns, strict=True):
            if column.shape != ends.shape:
                shapes = f"{name!r} has the shape {column.shape} and 'durations' {ends.shape}"
                raise NetworkError(f"Upsampler: {shapes}; a contour needs one value per token")
            if not np.isfinite(column).all():
                raise NetworkError(
                    f"Upsampler: {name!r} has values that are not finite; a contour is interpolated between all of them"
                )
        return Contours(np.stack(columns, 1), ends)
