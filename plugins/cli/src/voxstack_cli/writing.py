"""Writes sound while it is made: WAV or raw PCM, to a file or to stdout."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from voxstack import RequestError
from voxstack.voice import pcm16

UNKNOWN = 0xFFFFFFFF
"""Size of a stream whose end is not known, as readers of WAV streams expect it; also of one too large for its header."""


def check(out: str, raw: bool) -> None:
    """Check a place before anything is made for it.

    :param out: path of a file, or ``-`` for stdout.
    :raises RequestError: for a folder, a file that cannot be there, another ending than ``.wav``, or a terminal.
    """
    if out == "-":
        if sys.stdout.isatty():
            raise RequestError("stdout is a terminal; send the sound on, such as: | aplay, or write a file: --out hello.wav")
        return
    path = Path(out)
    if path.is_dir():
        raise RequestError(f"cannot write {out!r}: it is a folder; give a file, such as {str(path / 'hello.wav')!r}")
    if not path.resolve().parent.is_dir() and not path.exists():
        raise RequestError(f"cannot write {out!r}: there is no folder {str(path.parent)!r}; make it first")
    is_wav = path.suffix.lower() == ".wav"
    if path.exists() and not path.is_file():
        return  # a device or a pipe
    if raw and is_wav:
        raise RequestError(f"cannot write {out!r}: with --raw it would have no WAV header; leave out --raw, or name it .pcm")
    if not raw and not is_wav:
        raise RequestError(f"cannot write {out!r}: only .wav is known; convert the .wav with a tool of your choice, or use --raw")


@contextmanager
def written(out: str, sample_rate: int, raw: bool) -> Iterator[Callable[[np.ndarray], None]]:
    """Open a place, and give a function that writes samples to it. An older file is replaced only if all went well.

    :raises RequestError: if it cannot be opened.
    """
    with _stdout() if out == "-" else _file(Path(out)) as file:
        size = 0

        def write(samples: np.ndarray) -> None:
            nonlocal size
            data = pcm16(samples)
            size += len(data)
            file.write(data)
            if out == "-":
                file.flush()  # whoever listens waits for it

        if not raw:
            file.write(wav_header(sample_rate))
        yield write
        if not raw and out != "-" and file.seekable():
            file.seek(0)
            file.write(wav_header(sample_rate, size))


def wav_header(sample_rate: int, size: int | None = None) -> bytes:
    """Return the 44 bytes before 16-bit mono samples.

    :param size: bytes of the samples, None if that is not known yet.
    """
    fits = size is not None and size + 36 < UNKNOWN
    riff, data = (size + 36, size) if size is not None and fits else (UNKNOWN, UNKNOWN)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    return b"RIFF" + struct.pack("<I", riff) + b"WAVE" + form + b"data" + struct.pack("<I", data)


@contextmanager
def _stdout() -> Iterator[IO[bytes]]:
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


@contextmanager
def _file(path: Path) -> Iterator[IO[bytes]]:
    if path.exists() and not path.is_file():
        with _opened(path) as device:
            yield device
        return
    target = path.resolve()  # behind a link, so that the link stays
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with _opened(part) as file:
            yield file
        part.replace(target)
    except BaseException:  # also when interrupted
        part.unlink(missing_ok=True)
        raise


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("wb")
    except OSError as error:
        raise RequestError(f"cannot write {str(path)!r}: {error.strerror}; give another file with --out") from error
