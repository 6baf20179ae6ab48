"""Chunks of speech as the bytes of Wyoming events."""

from __future__ import annotations

from collections.abc import Iterator

from wyoming.audio import AudioChunk, AudioStart, AudioStop

from voxstack import Chunk
from voxstack_serve.wyoming.events import encoded

_WIDTH = 2  # bytes: 16 bit
_CHANNELS = 1
_LARGEST = 2**14  # bytes in an event


class AudioEvents:
    """The events of one stream of audio, whose sample rate is that of its first chunk.

    :param rate: in Hz, for a stream without a chunk.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._started = False
        self._samples = 0

    @property
    def seconds(self) -> float:
        """Seconds of audio in the events so far."""
        return self._samples / self._rate

    def of(self, chunk: Chunk) -> Iterator[bytes]:
        """Yield the events of the next chunk; the first one follows ``audio-start``."""
        audio, self._rate = chunk.pcm16(), chunk.sample_rate
        for begin in range(0, len(audio), _LARGEST):
            part = audio[begin : begin + _LARGEST]
            event = AudioChunk(self._rate, _WIDTH, _CHANNELS, part, self._milliseconds()).event()
            self._samples += len(part) // _WIDTH
            yield self._start() + encoded(event)

    def stop(self) -> bytes:
        """Return the event that ends the audio."""
        return self._start() + encoded(AudioStop(self._milliseconds()).event())

    def _start(self) -> bytes:
        """Return ``audio-start``, once."""
        if self._started:
            return b""
        self._started = True
        return encoded(AudioStart(self._rate, _WIDTH, _CHANNELS, 0).event())

    def _milliseconds(self) -> int:
        return self._samples * 1000 // self._rate
