"""The block ``GaussianSample``, which draws from normal distributions."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, NetworkError, RequestError, StreamableBlock, Utterance
from voxstack.streaming.seeds import generator
from voxstack_dsp.checks import control, floats


@dataclass
class GaussianSample(StreamableBlock):
    """Draws one value from each normal distribution: (frames, 2 * channels) to (frames, channels), float32.

    A frame holds the means of its channels, then the natural logarithms of their standard deviations, as the prior of
    VITS does; the output is ``mean + noise * exp(log_deviation) * scale``. The noise depends on the request's optional
    control ``seed`` (0 if absent) and on the position in the stream, never on how the stream is cut. Another optional
    control, ``noise_scale``, sets the scale.

    :param scale: scale if the request has no ``noise_scale``: 0 gives the means, 1 the distributions unchanged.
    """

    scale: float = field(default=1.0, metadata={"minimum": 0})

    takes = makes = "frames"
    lookback = 0

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        random, scale = generator(utterance, "GaussianSample"), np.float32(self._scale(utterance))
        for frames in source:
            expected = "(frames, 2 * channels), the means and then the logarithms of the deviations"
            channels, odd = divmod(floats(frames, 2, "GaussianSample", expected).shape[1], 2)
            if odd:
                raise NetworkError(f"GaussianSample: takes {expected}; got {frames.shape}")
            noise = random.standard_normal((len(frames), channels), np.float32)
            with np.errstate(over="ignore", invalid="ignore"):  # infinite samples, which the end of the stack refuses
                noise *= np.exp(frames[:, channels:])
                noise *= scale
                noise += frames[:, :channels]
            yield noise

    def _scale(self, utterance: Utterance) -> float:
        scale = control(utterance, "noise_scale", self.scale, "GaussianSample")
        if scale < 0:
            raise RequestError(
                f"GaussianSample: noise_scale is {scale:g}, and must be 0 or more; 0 is no noise, 1 all of it"
            )
        return scale
