"""Reads what is to be said: at once, or a piece at a time while it is being written."""

from __future__ import annotations

import argparse
import codecs
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from voxstack import RequestError

BYTES = 1 << 16
"""Read at a time at most; fewer as soon as some are there."""


class Script:
    """A text that is known, or that arrives while it is said.

    :param pieces: the text, cut anywhere; each piece is taken when it is wanted.
    :param arriving: take no piece before it is wanted; if not, all are taken at once.
    """

    def __init__(self, pieces: Iterable[str], arriving: bool = False) -> None:
        self.waited = 0.0
        """Seconds spent waiting for pieces."""
        self.arriving = True
        """Whether more may come."""
        self._known: list[str] = []
        self._pieces = self._kept(iter(pieces))
        if not arriving:
            self._take(lambda piece: False)

    @property
    def text(self) -> str:
        """What is known of the text so far."""
        count = len(self._known)
        if count > 1:
            self._known[:count] = ["".join(self._known[:count])]  # another thread may be adding to its end
        return self._known[0] if count else ""

    @property
    def length(self) -> int | None:
        """Characters of the whole text, None while its end is open."""
        return None if self.arriving else len(self.text)

    def spoken(self) -> str | Iterator[str]:
        """What a voice is to be given: the text, or what there is of it when something has come, and then its pieces. Once only."""
        if self.arriving:
            self._take(lambda piece: not piece.isspace())
        return self._rest() if self.arriving else self.text

    def _take(self, enough: Callable[[str], bool]) -> None:
        for piece in self._pieces:
            if enough(piece):
                return

    def _rest(self) -> Iterator[str]:
        yield self.text
        yield from self._pieces

    def _kept(self, pieces: Iterator[str]) -> Iterator[str]:
        while True:
            start = time.perf_counter()
            piece = next(pieces, None)
            self.waited += time.perf_counter() - start
            if piece is None:
                self.arriving = False
                return
            if piece:
                self._known.append(piece)
                yield piece


def script_of(options: argparse.Namespace) -> Script:
    """Return what to say, from the arguments, a file or stdin. Plain text from stdin may still arrive.

    :raises RequestError: if there is none, or more than one, or it is no text; that of stdin also later, when it is found.
    """
    if options.file is not None and options.text:
        raise RequestError("both TEXT and --file are given; keep one of them")
    from_stdin = options.file == "-" or options.text == ["-"] or (options.file is None and not options.text)
    if from_stdin and not options.text and options.file is None and (sys.stdin is None or sys.stdin.isatty()):
        raise RequestError(
            'nothing to say; give a text, such as: voxstack say "Hello there.", or --file, or pipe it in'
        )
    if from_stdin:
        return Script(decoded(_arriving(sys.stdin.buffer), "stdin"), arriving=not options.ssml)
    if options.file is not None:
        return Script(decoded([_content(options.file)], options.file))
    return Script(decoded([" ".join(options.text).encode("utf-8", "surrogateescape")], "the text"))


def decoded(data: Iterable[bytes], where: str) -> Iterator[str]:
    """Yield the text of UTF-8, as far as it is complete after each piece; a byte order mark at its start is none of it.

    :raises RequestError: at the first byte that is no UTF-8, with its position.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    read, first = 0, True
    for piece, last in _with_last(data):
        held = len(decoder.getstate()[0])  # bytes of a character that is not complete yet
        try:
            text = decoder.decode(piece, last)
        except UnicodeDecodeError as error:
            at, byte = read - held + error.start, error.object[error.start]
            told = f"'utf-8' codec can't decode byte 0x{byte:02x} in position {at}: {error.reason}"
            raise RequestError(
                f"{where} is not UTF-8 ({told}); convert it, for example with: iconv -t UTF-8"
            ) from error
        read += len(piece)
        if first and text:
            text, first = text.removeprefix("\ufeff"), False
        yield text


def _with_last(data: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    for piece in data:
        yield piece, False
    yield b"", True


def _arriving(file: IO[bytes]) -> Iterator[bytes]:
    try:
        while piece := file.read1(BYTES):  # type: ignore[attr-defined]  # stdin is buffered
            yield piece
    except OSError as error:
        raise RequestError(f"cannot read stdin: {error.strerror}; check what writes to it") from error


def _content(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise RequestError(f"cannot read {file}: {error.strerror}; check the path") from error
