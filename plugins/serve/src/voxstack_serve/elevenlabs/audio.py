"""Audio in the formats of the protocol, written as a stream."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from voxstack_serve.elevenlabs.options import Options
from voxstack_serve.encoders import Encoder
from voxstack_serve.encoders.mp3 import Mp3
from voxstack_serve.encoders.sound_files import Opus, SoundFileEncoder
from voxstack_serve.encoders.wav import Pcm, Wav
from voxstack_serve.resampling import Resampler


class AudioWriter:
    """A stream of audio in one format, for the whole of a context: chunks join without a seam.

    ``seconds`` is the audio that was written.
    """

    def __init__(self, options: Options) -> None:
        self.seconds = 0.0
        self._rate = options.rate  # of the samples that come next
        self._options, self._resampler = options, Resampler(options.rate, options.rate)
        self._encoder = _encoder(options)

    def write(self, samples: np.ndarray, rate: int) -> bytes:
        """Return what is ready of the audio; the rate changes when the voice is replaced by another version."""
        rest = b""
        if rate != self._rate:
            rest = self._encode(self._resampler.finish())
            self._rate, self._resampler = rate, Resampler(rate, self._options.rate)
        self.seconds += len(samples) / rate
        return rest + self._encode(self._resampler.resample(samples))

    def finish(self) -> bytes:
        """Return the rest of the audio."""
        return self._encode(self._resampler.finish()) + self._encoder.finish()

    def _encode(self, samples: np.ndarray) -> bytes:
        return self._encoder.encode(samples) if len(samples) else b""


class Mp3AtBitRate(Mp3):
    """MP3 at a bit rate in kbit/s."""

    def __init__(self, rate: int, kbps: int) -> None:
        super().__init__(rate, None)
        self._encoder.set_bit_rate(kbps)


class OpusAtBitRate(Opus):
    """Opus at a bit rate in kbit/s, which libsndfile takes as a compression level."""

    def __init__(self, rate: int, kbps: int) -> None:
        self.level = 1.0 - (kbps - LEAST_KBPS) / OPUS_KBPS
        super().__init__(rate, None)


class Ulaw(SoundFileEncoder):
    """The samples of telephones in North America and Japan: G.711 µ-law, without a header."""

    format, subtype = "RAW", "ULAW"


class Alaw(SoundFileEncoder):
    """The samples of telephones elsewhere: G.711 A-law, without a header."""

    format, subtype = "RAW", "ALAW"


LEAST_KBPS, OPUS_KBPS = 6, 250
"""The least bit rate of Opus in kbit/s, and its range, for libsndfile's levels from 1 down to 0."""

_PLAIN: dict[str, Callable[[int, int | None], Encoder]] = {"pcm": Pcm, "wav": Wav, "ulaw": Ulaw, "alaw": Alaw}


def _encoder(options: Options) -> Encoder:
    if options.codec == "mp3":
        return Mp3AtBitRate(options.rate, options.kbps)
    if options.codec == "opus":
        return OpusAtBitRate(options.rate, options.kbps)
    return _PLAIN[options.codec](options.rate, None)
