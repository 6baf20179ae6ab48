"""WholeFrames: streams what was made at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, NetworkError, Resources, Schedule, StreamableBlock, Utterance
from voxstack_upsampler.chunks import chunks, of_samples
from voxstack_upsampler.durations import shared_ends
from voxstack_upsampler.timing import report


@dataclass
class WholeFrames(StreamableBlock):
    """Gives out a tensor of the utterance, made at once by sequence blocks, as a stream: time on its first axis.

    It is the head of a stream, behind networks that need the whole utterance (a flow, a diffusion, an attention over all
    frames): the request's schedule says how much goes out at a time, so that the vocoder behind it streams. Chunks are
    read-only views; nothing is computed.

    Where the utterance has ``durations``, (tokens,), the stream is shared among the tokens by them, and what is said when is
    reported to the request's timeline, as ``Upsampler`` does.

    :param tensor: its name in the utterance: (frames, features), or (samples,).
    :param makes_stream: name of the stream that it makes: what the block behind takes. The schedule counts frames; of a stream
        of ``samples``, each stands for the addon's ``hop_length``.
    """

    tensor: str
    makes_stream: str = "frames"
    _samples_a_frame: int = field(default=1, init=False, repr=False, compare=False)

    head = True

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.tensor})

    @property
    def makes(self) -> str | None:
        return self.makes_stream

    def load(self, addon: Resources) -> None:
        self._samples_a_frame = addon.config["hop_length"]

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        whole = np.asarray(utterance[self.tensor])
        samples = self.makes_stream == "samples"
        if whole.ndim != (1 if samples else 2):
            wanted = "(samples,)" if samples else "(frames, features)"
            raise NetworkError(
                f"WholeFrames: {self.tensor!r} has the shape {whole.shape}; a stream of {self.makes_stream!r} is {wanted}"
            )
        view = whole.view()
        view.flags.writeable = False
        durations = utterance.get("durations")
        if durations is not None:
            report(utterance, shared_ends(durations, len(view), "WholeFrames"))
        schedule = utterance.get("schedule", Schedule())
        for chunk in chunks(len(view), of_samples(schedule, self._samples_a_frame) if samples else schedule):
            yield view[chunk]
