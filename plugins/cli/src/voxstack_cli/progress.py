"""Tells how the speaking goes, on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from voxstack import Chunk

LONG = 300
"""Characters of a text that is worth a progress line."""


class Progress:
    """Measures a stream, shows a line that keeps changing where the text is long, and sums it up at the end.

    :param label: where the speech goes.
    :param sample_rate: in Hz.
    :param length: characters of the text.
    """

    def __init__(self, label: str, sample_rate: int, length: int, quiet: bool) -> None:
        self.seconds = 0.0
        self.spent = 0.0
        self.first: float | None = None
        self._label = label
        self._sample_rate = sample_rate
        self._quiet = quiet
        self._bar: Any = None
        if not quiet and length >= LONG and sys.stderr is not None and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(bar_format="{desc}", miniters=1, leave=False, file=sys.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()

    def following(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Pass chunks on, measuring the time that making them takes and not what is done with them."""
        while True:
            start = time.perf_counter()
            chunk = next(chunks, None)
            self.spent += time.perf_counter() - start
            if chunk is None:
                return
            if len(chunk.samples) and self.first is None:
                self.first = self.spent
            self.seconds += len(chunk.samples) / self._sample_rate
            if self._bar is not None:
                told = f"{self.seconds:.1f} s of speech, {self._speed():.1f} x real time"
                self._bar.set_description_str(told, refresh=not self._bar.n)  # the first at once, then as often as tqdm thinks
                self._bar.update()
            yield chunk

    def report(self) -> None:
        """Print the last line: where, seconds of speech, time to first audio, real-time factor."""
        if self._quiet or self.first is None:
            return
        speed = f"first audio after {self.first:.3f} s, real-time factor {self.spent / self.seconds:.3f}"
        print(f"{self._label}: {self.seconds:.2f} s, {speed}", file=sys.stderr)

    def _speed(self) -> float:
        return self.seconds / self.spent if self.spent else 0.0
