"""MP3, by LAME."""

from __future__ import annotations

import numpy as np

from voxstack_serve.encoders.wav import pcm16


class Mp3:
    """MPEG Layer III, mono, at a constant bit rate, without a header of its own: each frame can be decoded as it comes.

    At 16 and 24 kHz it has 64 kbit/s, at rates from 32 kHz 96 kbit/s.
    """

    def __init__(self, rate: int, count: int | None) -> None:
        import lameenc

        self._encoder = lameenc.Encoder()
        self._encoder.silence()
        self._encoder.set_channels(1)
        self._encoder.set_in_sample_rate(rate)
        self._encoder.set_out_sample_rate(rate)
        self._encoder.set_bit_rate(96 if rate >= 32_000 else 64)
        self._encoder.set_quality(5)
        self._begun = False

    def encode(self, samples: np.ndarray) -> bytes:
        self._begun = True
        return bytes(self._encoder.encode(pcm16(samples)))

    def finish(self) -> bytes:
        return bytes(self._encoder.flush()) if self._begun else b""
