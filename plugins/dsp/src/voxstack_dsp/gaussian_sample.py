"""From distributions to samples of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, NetworkError, RequestError, StreamableBlock, Utterance
from voxstack.streaming.seeds import generator


@dataclass
class GaussianSample(StreamableBlock):
    """Draws one value of each normal distribution: (frames, 2 * channels) to (frames, channels), float32.

    A frame holds the means of its channels, then the natural logarithms of their standard deviations, as the prior of VITS does;
    what comes out is ``mean + noise * exp(log_deviation) * scale``. The noise depends on the request's optional control ``seed``
    (0 where it is absent) and on the place in the stream, never on how that is cut. Another optional control, ``noise_scale``, is
    the scale.

    :param scale: where the request has no ``noise_scale``: 0 gives the means, 1 the distributions as they are.
    """

    scale: float = field(default=1.0, metadata={"minimum": 0})

    takes = makes = "frames"

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        random, scale = generator(utterance, "GaussianSample"), np.float32(self._scale(utterance))
        for frames in source:
            channels, odd = divmod(frames.shape[-1], 2)
            if frames.ndim != 2 or odd:
                what = "takes (frames, 2 * channels), the means and then the logarithms of the deviations"
                raise NetworkError(f"GaussianSample: {what}; got {frames.shape}")
            noise = random.standard_normal((len(frames), channels), np.float32)
            noise *= np.exp(frames[:, channels:])
            noise *= scale
            noise += frames[:, :channels]
            yield noise

    def _scale(self, utterance: Utterance) -> float:
        scale = float(utterance.get("noise_scale", self.scale))
        if not (math.isfinite(scale) and scale >= 0):
            raise RequestError(
                f"GaussianSample: noise_scale is {scale:g}, and must be 0 or more; 0 is without noise, 1 all of it"
            )
        return scale
