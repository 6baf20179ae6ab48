"""The text to synthesize, complete or still arriving."""

from __future__ import annotations

import argparse
import codecs
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from voxstack import RequestError

READ_LIMIT = 1 << 16
"""Bytes read at once at most. A read returns as soon as any are available."""


class InputText:
    """A text in parts, each read when it is needed and kept.

    :param parts: the text, divided at any place.
    :param incremental: read no part before it is needed; otherwise read all parts at once.
    """

    def __init__(self, parts: Iterable[str], incremental: bool = False) -> None:
        self.seconds_waited = 0.0
        """Seconds spent waiting for parts."""
        self.is_complete = False
        """Whether the text has been read to its end."""
        self._known: list[str] = []
        self._parts = self._keep(iter(parts))
        if not incremental:
            self._read_until(lambda part: False)

    @property
    def text(self) -> str:
        """The text as far as it has been read."""
        count = len(self._known)
        if count > 1:
            self._known[:count] = ["".join(self._known[:count])]  # another thread may be appending
        return self._known[0] if count else ""

    @property
    def length(self) -> int | None:
        """Characters of the whole text; None until it is complete."""
        return len(self.text) if self.is_complete else None

    def voice_input(self) -> str | Iterator[str]:
        """Return the argument for ``Voice.stream``: the text, or an iterator over its parts while it is incomplete.

        Waits until a part that is not blank has been read. Call it once only.
        """
        if not self.is_complete:
            self._read_until(lambda part: not part.isspace())
        return self.text if self.is_complete else self._all_parts()

    def _read_until(self, is_last: Callable[[str], bool]) -> None:
        for part in self._parts:
            if is_last(part):
                return

    def _all_parts(self) -> Iterator[str]:
        yield self.text
        yield from self._parts

    def _keep(self, parts: Iterator[str]) -> Iterator[str]:
        while True:
            start = time.perf_counter()
            part = next(parts, None)
            self.seconds_waited += time.perf_counter() - start
            if part is None:
                self.is_complete = True
                return
            if part:
                self._known.append(part)
                yield part


def input_text(options: argparse.Namespace) -> InputText:
    """Return the text from the arguments, a file or stdin. Plain text from stdin is read incrementally.

    :raises RequestError: if there is no text, more than one, or one that is not UTF-8; of stdin, the latter when the
        bytes are read.
    """
    if options.file is not None and options.text:
        raise RequestError("both TEXT and --file are given; keep one of them")
    from_stdin = options.file == "-" or options.text == ["-"] or (options.file is None and not options.text)
    requested = bool(options.text) or options.file is not None
    if from_stdin and (sys.stdin is None or (not requested and sys.stdin.isatty())):
        raise RequestError('no text; give one, such as: voxstack say "Hello there.", or use --file or a pipe')
    if from_stdin:
        return InputText(decode_utf8(_read_stdin(sys.stdin.buffer), "stdin"), incremental=options.markup != "ssml")
    if options.file is not None:
        return InputText(decode_utf8([_read_file(options.file)], options.file))
    return InputText(decode_utf8([_encoded(" ".join(options.text))], "the text"))


def _encoded(text: str) -> bytes:
    """Return the bytes that the system passed as an argument."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # halves of characters, which do not come from the system
        return text.encode("utf-8", "surrogatepass")


def decode_utf8(data: Iterable[bytes], source: str) -> Iterator[str]:
    """Decode UTF-8 incrementally: yield, for each item, the characters that are complete. Drops a byte order mark.

    :param source: name of the source, for errors.
    :raises RequestError: at the first byte that is not UTF-8, with its position.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    position, at_start = 0, True
    for block, is_last in _mark_last(data):
        pending = len(decoder.getstate()[0])  # bytes of an incomplete character
        try:
            text = decoder.decode(block, is_last)
        except UnicodeDecodeError as error:
            at, byte = position - pending + error.start, error.object[error.start]
            problem = f"'utf-8' codec can't decode byte 0x{byte:02x} in position {at}: {error.reason}"
            raise RequestError(
                f"{source} is not UTF-8 ({problem}); convert it, for example with: iconv -t UTF-8"
            ) from error
        position += len(block)
        if at_start and text:
            text, at_start = text.removeprefix("\ufeff"), False
        yield text


def _mark_last(data: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    for block in data:
        yield block, False
    yield b"", True


def _read_stdin(file: IO[bytes]) -> Iterator[bytes]:
    try:
        while block := file.read1(READ_LIMIT):  # type: ignore[attr-defined]  # stdin is buffered
            yield block
    except OSError as error:
        raise RequestError(f"cannot read stdin: {error.strerror}; check what writes to it") from error


def _read_file(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:  # the latter for a NUL in the name
        raise RequestError(f"cannot read {path}: {getattr(error, 'strerror', error)}; check the path") from error
