"""A file of audio, written while it is synthesized."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

import numpy as np

from voxstack.errors import RequestError
from voxstack_voice.audio.encodings import Encoding, encoding_of, import_library
from voxstack_voice.chunk import integers

BLOCK = 4096
"""Samples that a library receives at a time: the file does not depend on how the samples were cut."""


class AudioFile:
    """Writes mono samples to a file that is open for writing bytes, in the format of its name, in bounded memory.

    ``with`` completes the file; after an error it is left incomplete. The file itself stays open.

    :param file: seekable, as headers are completed at the end.
    :param name: its name or path, whose extension is the format: ``.wav``, ``.flac``, ``.mp3``, ``.ogg`` (Vorbis),
        ``.opus``, ``.aac``, ``.m4a`` or ``.webm`` (Opus).
    :param sample_rate: of the samples in Hz. A format that cannot hold it gets the next higher rate.
    :raises RequestError: for an unknown extension, a missing library, or an empty file of a format that has none.
    """

    def __init__(self, file: IO[bytes], name: str | Path, sample_rate: int) -> None:
        encoding = encoding_of(name)
        rate = encoding.target_rate(sample_rate)
        self._resampler = None if rate == sample_rate else _resampler(sample_rate, rate, str(name))
        self._sink = _Sink(file)
        self._rest = np.zeros(0, np.float32)
        self._encoder: _Encoder = _ENCODERS[encoding.library](self._sink, encoding, rate)

    @staticmethod
    def check(name: str | Path) -> None:
        """Check that files of this name can be written here.

        :raises RequestError: if the extension is unknown, or its library is not installed.
        """
        encoding_of(name)

    def write(self, samples: np.ndarray) -> None:
        """Write samples, (samples,) float32, clipped to -1..1.

        :raises RequestError: if the library cannot encode them.
        """
        self._write(samples if self._resampler is None else self._resampler.resample_chunk(_contiguous(samples)))

    def close(self) -> None:
        """Complete the file."""
        if self._resampler is not None:
            self._write(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
        if len(self._rest):
            self._encoder.write(self._rest)
        self._encoder.close()
        self._sink.check()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        with suppress(Exception):  # the error that led here is the one to report
            self._encoder.close()

    def _write(self, samples: np.ndarray) -> None:
        samples = np.concatenate([self._rest, np.clip(_contiguous(samples), -1.0, 1.0)])
        whole = len(samples) // BLOCK * BLOCK
        for start in range(0, whole, BLOCK):
            self._encoder.write(samples[start : start + BLOCK])
            self._sink.check()
        self._rest = samples[whole:]


class _Encoder(Protocol):
    """A library's writer of one file."""

    def __init__(self, sink: _Sink, encoding: Encoding, rate: int) -> None: ...
    def write(self, samples: np.ndarray) -> None: ...
    def close(self) -> None: ...


class _Sink:
    """A file for libraries written in C, which lose the errors of what they call: it keeps the first one."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._error: BaseException | None = None

    def write(self, data: Any) -> int:
        if self._error is None:
            try:
                self._file.write(bytes(data))
            except BaseException as error:  # also an interrupt
                self._error = error
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        """Return nothing: libsndfile requires this method and does not call it."""
        return b""

    def flush(self) -> None:
        """Do nothing: the owner of the file flushes it."""

    def check(self) -> None:
        """Raise the error that writing raised, if any."""
        if self._error is not None:
            raise self._error


class _Wave:
    """16-bit WAV, by the standard library."""

    def __init__(self, sink: _Sink, encoding: Encoding, rate: int) -> None:
        import wave

        self._writer = wave.Wave_write(sink)  # type: ignore[arg-type]
        self._writer.setparams((1, 2, rate, 0, "NONE", ""))

    def write(self, samples: np.ndarray) -> None:
        self._writer.writeframesraw(integers(samples).tobytes())

    def close(self) -> None:
        self._writer.writeframes(b"")
        self._writer.close()


class _SoundFile:
    """Formats that libsndfile writes."""

    def __init__(self, sink: _Sink, encoding: Encoding, rate: int) -> None:
        import soundfile

        self._integers = encoding.codec == "PCM_16"  # the samples of a WAV file, to the bit
        settings: dict[str, Any] = {"format": encoding.format, "subtype": encoding.codec, **dict(encoding.options)}
        try:
            self._writer = soundfile.SoundFile(sink, "w", rate, 1, **settings)
        except (soundfile.LibsndfileError, ValueError, TypeError) as error:
            raise RequestError(
                f"libsndfile {soundfile.__libsndfile_version__} cannot write {encoding.codec} at {rate} Hz: {error}; "
                "update soundfile, or write a .wav file"
            ) from error

    def write(self, samples: np.ndarray) -> None:
        self._writer.write(integers(samples) if self._integers else samples)

    def close(self) -> None:
        self._writer.close()


class _Av:
    """Formats that FFmpeg writes, by PyAV."""

    def __init__(self, sink: _Sink, encoding: Encoding, rate: int) -> None:
        import av

        self._frame, self._rate, self._position = av.AudioFrame, rate, 0
        self._container = av.open(sink, "w", format=encoding.format)
        try:
            self._stream: Any = self._container.add_stream(encoding.codec, rate=rate, layout="mono")
        except ValueError as error:
            raise RequestError(
                f"this PyAV has no encoder {encoding.codec!r} ({error}); reinstall av, or write a .wav file"
            ) from error
        for name, value in encoding.options:
            setattr(self._stream, name, value)

    def write(self, samples: np.ndarray) -> None:
        frame = self._frame.from_ndarray(samples[None], "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._position, Fraction(1, self._rate)
        self._position += len(samples)
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        if self._position:
            self._container.mux(self._stream.encode(None))
        self._container.close()


_ENCODERS: dict[str, type[_Encoder]] = {"wave": _Wave, "soundfile": _SoundFile, "av": _Av}


def _contiguous(samples: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(samples, np.float32)


def _resampler(source_rate: int, rate: int, name: str) -> Any:
    purpose = f"cannot write {name!r}: it holds {rate} Hz and not {source_rate} Hz, which"
    soxr = import_library("soxr", purpose, "write a .wav file")
    return soxr.ResampleStream(source_rate, rate, 1, "float32")
