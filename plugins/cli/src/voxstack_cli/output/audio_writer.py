"""Audio files and raw PCM, written while they are synthesized."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from voxstack import AudioFile, Chunk, RequestError
from voxstack_cli.output.destinations import STDOUT, check_destination, is_file

UNKNOWN_SIZE = 0xFFFFFFFF
"""Size in the header of a stream whose size is unknown or exceeds the header, as readers of WAV streams expect."""


def check_audio_destination(destination: str, raw: bool) -> None:
    """Check a destination for audio before anything is synthesized.

    :param raw: without a WAV header.
    :raises RequestError: for a terminal, an extension of no format that can be written here, or what
        :func:`voxstack_cli.output.destinations.check_destination` refuses.
    """
    has_format = check_destination(destination, "hello.wav")
    if destination == STDOUT and sys.stdout.isatty():
        raise RequestError("stdout is a terminal; pipe the audio, for example to: aplay, or use --out hello.wav")
    if not has_format:
        return
    if raw and _is_wav(destination):
        raise RequestError(
            f"cannot write {destination!r}: with --raw it would have no WAV header; omit --raw, or name it .pcm"
        )
    if not raw:
        AudioFile.check(destination)


@contextmanager
def audio_writer(file: IO[bytes], destination: str, sample_rate: int, raw: bool) -> Iterator[Callable[[Chunk], None]]:
    """Yield a function that writes the samples of chunks to an open file.

    A file has the format of its extension; stdout and devices get a WAV stream.

    :param destination: its path, or ``-``.
    :param sample_rate: in Hz.
    :param raw: signed 16-bit little-endian PCM, without a header.
    """
    if raw or _is_wav(destination) or not is_file(destination):
        with _pcm_writer(file, sample_rate, raw) as write:
            yield write
        return
    with AudioFile(file, destination, sample_rate) as audio:
        yield lambda chunk: audio.write(chunk.samples)
    file.flush()


@contextmanager
def _pcm_writer(file: IO[bytes], sample_rate: int, raw: bool) -> Iterator[Callable[[Chunk], None]]:
    """Yield a function that writes chunks, without or after a WAV header, which also a stream and a large file have."""
    size = 0

    def write(chunk: Chunk) -> None:
        nonlocal size
        data = chunk.pcm16()
        size += len(data)
        file.write(data)

    if not raw:
        file.write(wav_header(sample_rate))
    yield write
    if not raw and not _is_stdout(file) and file.seekable():
        file.seek(0)
        file.write(wav_header(sample_rate, size))
    file.flush()


def _is_wav(destination: str) -> bool:
    return Path(destination).suffix.lower() == ".wav"


def _is_stdout(file: IO[bytes]) -> bool:
    return sys.stdout is not None and file is sys.stdout.buffer


def wav_header(sample_rate: int, size: int | None = None) -> bytes:
    """Return the 44 bytes before 16-bit mono samples.

    :param sample_rate: in Hz.
    :param size: bytes of the samples; None if that is not yet known.
    """
    riff, data = UNKNOWN_SIZE, UNKNOWN_SIZE
    if size is not None and size + 36 < UNKNOWN_SIZE:
        riff, data = size + 36, size
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    return b"RIFF" + struct.pack("<I", riff) + b"WAVE" + form + b"data" + struct.pack("<I", data)
