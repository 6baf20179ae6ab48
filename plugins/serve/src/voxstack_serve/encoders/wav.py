"""16-bit samples, without and with a header."""

from __future__ import annotations

import struct

import numpy as np

UNKNOWN = 0xFFFF_FFFF
"""The size in a header that is sent before its value is known; strict players refuse it."""


class Pcm:
    """16-bit little-endian samples."""

    def __init__(self, rate: int, count: int | None) -> None:
        pass

    def encode(self, samples: np.ndarray) -> bytes:
        return pcm16(samples)

    def finish(self) -> bytes:
        return b""


class Wav(Pcm):
    """A WAV file, 16 bit, mono."""

    def __init__(self, rate: int, count: int | None) -> None:
        self._header = wav_header(rate, count)

    def encode(self, samples: np.ndarray) -> bytes:
        header, self._header = self._header, b""
        return header + pcm16(samples)

    def finish(self) -> bytes:
        return self._header


def wav_header(rate: int, count: int | None) -> bytes:
    """Return the 44 bytes before the samples of a WAV file.

    :param count: number of samples; None: not known yet, and both sizes are :data:`UNKNOWN`.
    """
    size = UNKNOWN if count is None else 2 * count
    whole = UNKNOWN if count is None else min(36 + size, UNKNOWN)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", whole, b"WAVE") + form + struct.pack("<4sI", b"data", size)


def pcm16(samples: np.ndarray) -> bytes:
    """Return samples as 16-bit little-endian PCM, clipped to -1..1."""
    data: bytes = integers(samples).tobytes()
    return data


def integers(samples: np.ndarray) -> np.ndarray:
    """Return samples as 16-bit integers, rounded as ``Chunk.pcm16`` does."""
    rounded: np.ndarray = (np.clip(samples, -1.0, 1.0) * 32767.0).round().astype("<i2")
    return rounded
