"""Audio in the formats of the protocol, written as a stream."""

from __future__ import annotations

import numpy as np

from voxstack_serve.elevenlabs.options import Options
from voxstack_serve.encoders import Encoder
from voxstack_serve.encoders.mp3 import Mp3
from voxstack_serve.encoders.wav import Pcm
from voxstack_serve.resampling import Resampler


class AudioWriter:
    """A stream of audio in one format, for the whole of a context: chunks join without a seam.

    :param rate: of the samples that are written, in Hz.
    """

    def __init__(self, options: Options, rate: int) -> None:
        self.rate = rate
        self._resampler = Resampler(rate, options.rate)
        self._encoder = _encoder(options)

    def write(self, samples: np.ndarray) -> bytes:
        """Return what is ready of the audio."""
        return self._encoder.encode(self._resampler.resample(samples))

    def finish(self) -> bytes:
        """Return the rest of the audio."""
        return self._encoder.encode(self._resampler.finish()) + self._encoder.finish()


class Mp3AtBitRate(Mp3):
    """MP3 at a bit rate in kbit/s."""

    def __init__(self, rate: int, kbps: int) -> None:
        super().__init__(rate, None)
        self._encoder.set_bit_rate(kbps)


def _encoder(options: Options) -> Encoder:
    return Mp3AtBitRate(options.rate, options.kbps) if options.codec == "mp3" else Pcm(options.rate, None)
