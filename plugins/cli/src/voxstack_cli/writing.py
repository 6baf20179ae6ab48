"""Writes sound while it is made: WAV or raw PCM."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from voxstack import Chunk, RequestError
from voxstack_cli import places
from voxstack_voice.speech import pcm16

UNKNOWN = 0xFFFFFFFF
"""Size of a stream whose end is not known, as readers of WAV streams expect it; also of one too large for its header."""


def check(out: str, raw: bool) -> None:
    """Check a place for sound before anything is made for it.

    :raises RequestError: for a terminal, another ending than ``.wav``, or what :func:`voxstack_cli.places.check` refuses.
    """
    if out == places.STDOUT and sys.stdout.isatty():
        raise RequestError(
            "stdout is a terminal; send the sound on, such as: | aplay, or write a file: --out hello.wav"
        )
    if not places.check(out, "hello.wav"):
        return
    is_wav = Path(out).suffix.lower() == ".wav"
    if raw and is_wav:
        raise RequestError(
            f"cannot write {out!r}: with --raw it would have no WAV header; leave out --raw, or name it .pcm"
        )
    if not raw and not is_wav:
        raise RequestError(
            f"cannot write {out!r}: only .wav is known; convert the .wav with a tool of your choice, or use --raw"
        )


@contextmanager
def sound(file: IO[bytes], sample_rate: int, raw: bool) -> Iterator[Callable[[Chunk], None]]:
    """Give a function that writes the samples of chunks to an open file."""
    size = 0

    def write(chunk: Chunk) -> None:
        nonlocal size
        data = pcm16(chunk.samples)
        size += len(data)
        file.write(data)

    if not raw:
        file.write(wav_header(sample_rate))
    yield write
    if not raw and file is not sys.stdout.buffer and file.seekable():
        file.seek(0)
        file.write(wav_header(sample_rate, size))
    file.flush()


def wav_header(sample_rate: int, size: int | None = None) -> bytes:
    """Return the 44 bytes before 16-bit mono samples.

    :param size: bytes of the samples, None if that is not known yet.
    """
    fits = size is not None and size + 36 < UNKNOWN
    riff, data = (size + 36, size) if size is not None and fits else (UNKNOWN, UNKNOWN)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    return b"RIFF" + struct.pack("<I", riff) + b"WAVE" + form + b"data" + struct.pack("<I", data)
