"""Encoders of audio: from chunks of samples to the bytes of a file that grows at its end."""

from __future__ import annotations

import importlib
from typing import NamedTuple, Protocol

import numpy as np


class Encoder(Protocol):
    """An encoder of one stream of mono samples, float32 in -1..1."""

    def encode(self, samples: np.ndarray) -> bytes:
        """Return the bytes that are ready after these samples."""
        ...

    def finish(self) -> bytes:
        """Return the remaining bytes."""
        ...


class Format(NamedTuple):
    """A format of responses.

    :param home: ``module:class`` of its encoder, which is built from a sample rate and from the number of samples, or
        None if that is not known yet.
    :param rates: sample rates in Hz that it can hold, in order; empty: any.
    :param rate: sample rate unless the request names one; None: that of the voice.
    :param slow: whether encoding a second takes so long that other streams would wait for it.
    :param header: bytes before samples of 16 bits, each of which is encoded by itself; None: bytes depend on all before
        them.
    :param numbered: whether each file has a number, which its encoder takes as well.
    """

    media_type: str
    home: str
    rates: tuple[int, ...] = ()
    rate: int | None = None
    slow: bool = False
    header: int | None = None
    numbered: bool = False

    def target_rate(self, source_rate: int, requested: int | None) -> int:
        """Return the sample rate of the encoded audio: the requested one, or the next that loses nothing."""
        rate = requested or self.rate or source_rate
        return next((found for found in self.rates if found >= rate), self.rates[-1]) if self.rates else rate

    def open(self, rate: int, count: int | None, number: int | None = None) -> Encoder:
        """Return a new encoder.

        :param number: of 32 bits, for a file that has one; None: a random one. All else is the same for equal samples.
        """
        module, _, name = self.home.partition(":")
        kind = getattr(importlib.import_module(f"{__name__}.{module}"), name)
        encoder: Encoder = kind(rate, count, number) if self.numbered else kind(rate, count)
        return encoder


_MPEG = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)

FORMATS = {
    "mp3": Format("audio/mpeg", "mp3:Mp3", _MPEG),
    "opus": Format("audio/ogg", "sound_files:Opus", (8000, 12000, 16000, 24000, 48000), slow=True, numbered=True),
    "aac": Format("audio/aac", "aac:Aac", _MPEG, slow=True),
    "flac": Format("audio/flac", "sound_files:Flac"),
    "wav": Format("audio/wav", "wav:Wav", header=44),
    "pcm": Format("audio/pcm", "wav:Pcm", rate=24_000, header=0),
}
"""The formats of responses by name."""
