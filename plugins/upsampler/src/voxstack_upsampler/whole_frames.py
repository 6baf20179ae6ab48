"""The block ``WholeFrames``, which streams a tensor that was computed at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, NetworkError, Resources, Schedule, StreamableBlock, Utterance
from voxstack_upsampler.chunk_slices import chunk_slices
from voxstack_upsampler.duration_events import report_events
from voxstack_upsampler.durations import distribute_frames


@dataclass
class WholeFrames(StreamableBlock):
    """Streams a tensor of the utterance that sequence blocks computed at once, along its first axis, time.

    It is the head of a stream after networks that need the whole utterance (a flow, a diffusion, an attention over all
    frames): the request's schedule determines the size of each chunk, so that the vocoder after it streams. Chunks are
    read-only views; nothing is computed.

    If the utterance has ``durations``, (tokens,), the frames are distributed among the tokens in proportion, and words,
    phonemes and marks are reported to the request's timeline, as ``Upsampler`` reports them.

    :param tensor: name of the tensor in the utterance: (frames, features), or (samples,).
    :param makes_stream: name of the stream: the one that the next block takes. The schedule counts frames; for a stream
        of ``samples``, each frame stands for the addon's ``hop_length``.
    :param omitted: steps at the end that are not part of the stream, for networks that end with noise or silence.
    :param early: frames by which a sound is heard before the frames of its token begin, as measured of the network: its
        events are reported as much earlier.
    """

    tensor: str
    makes_stream: str = "frames"
    omitted: int = field(default=0, metadata={"minimum": 0, "maximum": 10_000_000})
    early: float = field(default=0.0, metadata={"minimum": 0, "maximum": 1_000})
    _samples_per_frame: int = field(default=1, init=False, repr=False, compare=False)

    head = True

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.tensor})

    @property
    def makes(self) -> str | None:
        return self.makes_stream

    def load(self, addon: Resources) -> None:
        self._samples_per_frame = addon.config["hop_length"]

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        whole = np.asarray(utterance[self.tensor])
        has_samples = self.makes_stream == "samples"
        if whole.ndim != (1 if has_samples else 2):
            expected = "(samples,)" if has_samples else "(frames, features)"
            raise NetworkError(
                f"WholeFrames: {self.tensor!r} has the shape {whole.shape}; a stream of {self.makes_stream!r} is "
                f"{expected}"
            )
        view = whole[: max(0, len(whole) - self.omitted)]
        view.flags.writeable = False
        durations = utterance.get("durations")
        if durations is not None:
            ends = np.minimum(distribute_frames(durations, len(whole), "WholeFrames"), len(view))
            early = round(self.early * (self._samples_per_frame if has_samples else 1))
            ends[:-1] = np.maximum(ends[:-1] - early, 0)
            report_events(utterance, ends)
        schedule: Schedule = utterance.get("schedule", Schedule())
        for chunk in chunk_slices(len(view), schedule.in_samples(self._samples_per_frame) if has_samples else schedule):
            yield view[chunk]
