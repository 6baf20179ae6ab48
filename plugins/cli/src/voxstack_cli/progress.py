"""Tells how the speaking goes, on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from voxstack import Chunk
    from voxstack_cli.reading import Script

LONG = 300
"""Characters of a text that is worth a progress line."""


class Progress:
    """Measures a stream, shows a line that keeps changing where the text is long, and sums it up at the end.

    :param label: where the speech goes.
    :param sample_rate: in Hz.
    :param script: the text; how much of it has been said is shown if its length is known, and the voice tells its words.
    """

    def __init__(self, label: str, sample_rate: int, script: Script, quiet: bool) -> None:
        self.seconds = 0.0
        self.spent = 0.0
        self.first: float | None = None
        self._label = label
        self._sample_rate = sample_rate
        self._script = script
        self._said = 0
        self._quiet = quiet
        self._bar: Any = None
        long = script.length is None or script.length >= LONG
        if not quiet and long and sys.stderr is not None and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(bar_format="{desc}", miniters=1, leave=False, file=sys.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def following(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Pass chunks on, measuring the time that making them takes, not what is done with them or the wait for more text."""
        while True:
            start, waited = time.perf_counter(), self._script.waited
            chunk = next(chunks, None)
            self.spent += max(time.perf_counter() - start - (self._script.waited - waited), 0.0)
            if chunk is None:
                return
            if len(chunk.samples) and self.first is None:
                self.first = self.spent
            self.seconds += len(chunk.samples) / self._sample_rate
            if self._bar is not None:
                self._said = max(
                    [self._said, *(event.span[1] for event in chunk.events if event.kind == "word" and event.span)]
                )
                self._bar.set_description_str(
                    self._told(), refresh=not self._bar.n
                )  # the first at once, then as often as tqdm thinks
                self._bar.update()
            yield chunk

    def report(self) -> None:
        """Print the last line: where, seconds of speech, time to first audio, real-time factor."""
        if self._quiet or self.first is None:
            return
        speed = f"first audio after {self.first:.3f} s, real-time factor {self.spent / self.seconds:.3f}"
        print(f"{self._label}: {self.seconds:.2f} s, {speed}", file=sys.stderr)

    def _told(self) -> str:
        share = f"{self._said / self._script.length:.0%} said, " if self._said and self._script.length else ""
        return f"{share}{self.seconds:.1f} s of speech, {self._speed():.1f} x real time"

    def _speed(self) -> float:
        return self.seconds / self.spent if self.spent else 0.0
