"""The block ``DelayedChannels``, which brings channels of a frame together that were decoded at different steps."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from voxstack import AddonError, Frames, StackError, StreamableBlock, Utterance, windows
from voxstack.blocks import Resources


@dataclass
class DelayedChannels(StreamableBlock):
    """Undoes the delays of channels, (frames, channels): row ``n`` has channel ``c`` of row ``n + delays[c]``.

    Language models over the codebooks of a codec predict a frame over several steps, the later codebooks after the
    first (the delay pattern of Copet et al. 2023, arXiv:2306.05284). The rows of the longest delay at the end of the
    stream have no frame of their own, so that the stream is shorter by that number.

    :param delays: that of each channel, in frames.
    """

    delays: list[int] = field(metadata={"items": {"minimum": 0, "maximum": 10_000}})

    def load(self, addon: Resources) -> None:
        if not self.delays or min(self.delays) < 0:
            raise StackError("delays", f"{self.delays} must be frames of at least 0, one for each channel")

    @property
    def lookahead(self) -> int:
        return max(self.delays, default=0)

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        for frames, _, size, _ in windows(source, 0, self.lookahead):
            if frames.shape[1:] != (len(self.delays),):
                problem = f"reads {len(self.delays)} channels, and receives frames of the shape {frames.shape[1:]}"
                raise AddonError("DelayedChannels", f"{problem}; give one delay for each channel")
            rows = min(size, len(frames) - self.lookahead)
            if rows > 0:
                yield np.stack([frames[delay : delay + rows, c] for c, delay in enumerate(self.delays)], 1)
