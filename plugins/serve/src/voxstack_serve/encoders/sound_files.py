"""Formats that libsndfile writes."""

from __future__ import annotations

import numpy as np

from voxstack_serve.encoders.ogg import SerialNumber
from voxstack_serve.encoders.wav import integers

PAGE_LATENCY = 60.0
"""Milliseconds of audio in a page of Ogg, the unit in which decoders receive it; by default it is a second."""

SET_OGG_PAGE_LATENCY_MS = 0x1302
"""Number of a command of libsndfile that the package soundfile has no name for."""


class GrowingFile:
    """A file in memory whose bytes are taken away as they are written.

    A library that goes back to complete a header changes only what has not been taken yet.
    """

    def __init__(self) -> None:
        self._content, self._taken, self._position = bytearray(), 0, 0

    def write(self, data: bytes) -> int:
        """Write at the position."""
        begin, content = self._position - self._taken, bytes(data)
        self._position += len(content)
        lost = min(max(0, -begin), len(content))
        self._content[begin + lost : begin + len(content)] = content[lost:]
        return len(content)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move the position, from the start (0), from where it is (1), or from the end (2)."""
        self._position = offset + (0, self._position, self._taken + len(self._content))[whence]
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Return nothing: libsndfile requires this method and does not call it."""
        return b""

    def take(self) -> bytes:
        """Return the bytes since the last call."""
        found, self._content = bytes(self._content), bytearray()
        self._taken += len(found)
        return found


class SoundFileEncoder:
    """An encoder that writes a file by libsndfile.

    :param count: number of samples, if it is known: then nothing is returned until the header is complete.
    """

    format, subtype = "FLAC", "PCM_16"
    level: float | None = None
    """Compression level in libsndfile's terms, 0 to 1."""

    def __init__(self, rate: int, count: int | None) -> None:
        import soundfile

        self._file, self._whole = GrowingFile(), count is not None
        options = {"format": self.format, "subtype": self.subtype, "compression_level": self.level}
        self._writer = soundfile.SoundFile(self._file, "w", rate, 1, **options)

    def encode(self, samples: np.ndarray) -> bytes:
        self._writer.write(self.converted(samples))
        return b"" if self._whole else self._file.take()

    def finish(self) -> bytes:
        self._writer.close()
        return self._file.take()

    def converted(self, samples: np.ndarray) -> np.ndarray:
        """Return samples as the format takes them."""
        clipped: np.ndarray = np.clip(samples, -1.0, 1.0)
        return clipped


class Flac(SoundFileEncoder):
    """FLAC, 16 bit, with the samples of a WAV file; a stream's header leaves their number open."""

    level = 0.25  # the highest with blocks of 1152 samples; those of 4096 would hold the first audio back by 256 ms

    def converted(self, samples: np.ndarray) -> np.ndarray:
        return integers(samples)


class Opus(SoundFileEncoder):
    """Opus in Ogg, 64 kbit/s, in pages of :data:`PAGE_LATENCY`.

    Below 50 kbit/s, libopus chooses the codec for speech, which takes three times as long.

    :param number: the serial number of the stream; None: a random one.
    """

    format, subtype = "OGG", "OPUS"
    level = 0.77  # 256 kbit/s less 250 times this

    def __init__(self, rate: int, count: int | None, number: int | None = None) -> None:
        super().__init__(rate, None)
        self._number = None if number is None else SerialNumber(number)
        import soundfile

        value = soundfile._ffi.new("double*", PAGE_LATENCY)
        soundfile._snd.sf_command(self._writer._file, SET_OGG_PAGE_LATENCY_MS, value, 8)

    def encode(self, samples: np.ndarray) -> bytes:
        return self._numbered(super().encode(samples))

    def finish(self) -> bytes:
        return self._numbered(super().finish())

    def _numbered(self, pages: bytes) -> bytes:
        return pages if self._number is None else self._number.rewrite(pages)
