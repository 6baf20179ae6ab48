"""Progress and speed of a stream, on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from voxstack_cli.formatting import print_error

if TYPE_CHECKING:
    from voxstack import Chunk
    from voxstack_cli.input_text import InputText

LONG_TEXT = 300
"""Characters from which a text has a progress line."""


class Progress:
    """Measures a stream, shows a progress line for a long text on a terminal, and reports the speed at the end.

    :param label: the outputs, as shown in the report.
    :param sample_rate: in Hz.
    :param text: the input. Its synthesized share is shown if its length is known and the voice reports words.
    :param quiet: print nothing.
    """

    def __init__(self, label: str, sample_rate: int, text: InputText, quiet: bool) -> None:
        self.audio_seconds = 0.0
        """Seconds of audio so far."""
        self.synthesis_seconds = 0.0
        """Seconds spent synthesizing, without waiting for text or for the consumer of the chunks."""
        self.first_audio: float | None = None
        """Seconds spent until the first audio; None if there was none yet."""
        self._label = label
        self._sample_rate = sample_rate
        self._text = text
        self._position = 0
        self._quiet = quiet
        self._bar: Any = None
        is_long = text.length is None or text.length >= LONG_TEXT
        if not quiet and is_long and sys.stderr is not None and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(bar_format="{desc}", miniters=1, leave=False, file=sys.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def track(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Yield the chunks unchanged, and measure the time that each takes to synthesize."""
        while True:
            start, waited = time.perf_counter(), self._text.seconds_waited
            chunk = next(chunks, None)
            waited = self._text.seconds_waited - waited
            self.synthesis_seconds += max(time.perf_counter() - start - waited, 0.0)
            if chunk is None:
                return
            if len(chunk.samples) and self.first_audio is None:
                self.first_audio = self.synthesis_seconds
            self.audio_seconds += len(chunk.samples) / self._sample_rate
            if self._bar is not None:
                self._update_bar(chunk)
            yield chunk

    def report(self) -> None:
        """Print the last line: outputs, seconds of audio, time to first audio, real-time factor."""
        if self._quiet or self.first_audio is None:
            return
        factor = self.synthesis_seconds / self.audio_seconds
        speed = f"first audio after {self.first_audio:.3f} s, real-time factor {factor:.3f}"
        print_error(f"{self._label}: {self.audio_seconds:.2f} s, {speed}")

    def _update_bar(self, chunk: Chunk) -> None:
        ends = [event.span[1] for event in chunk.events if event.kind == "word" and event.span]
        self._position = max([self._position, *ends])
        is_first = not self._bar.n
        self._bar.set_description_str(self._status(), refresh=is_first)  # later ones at the rate that tqdm chooses
        self._bar.update()

    def _status(self) -> str:
        length = self._text.length
        share = f"{self._position / length:.0%} of the text, " if self._position and length else ""
        speed = self.audio_seconds / self.synthesis_seconds if self.synthesis_seconds else 0.0
        return f"{share}{self.audio_seconds:.1f} s of speech, {speed:.1f} x real time"
