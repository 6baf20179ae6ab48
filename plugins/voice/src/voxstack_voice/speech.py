"""Synthesized speech: chunks of a stream, and whole utterances."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from voxstack.errors import RequestError
from voxstack.streaming.timeline import Event, Events


@dataclass(frozen=True)
class Chunk:
    """A chunk of a stream: ``samples``, float32 in -1..1, the first of which has index ``start`` in the whole.

    ``events`` begin within the chunk, in order. The last chunk of a stream may have no samples, only events at its end.
    """

    samples: np.ndarray
    start: int
    events: Events = field(default_factory=Events)

    def pcm16(self) -> bytes:
        """Return the samples as 16-bit little-endian PCM, clipped to -1..1."""
        return pcm16(self.samples)


@dataclass(frozen=True)
class Speech:
    """A whole utterance: ``samples``, float32 in -1..1, at ``sample_rate`` Hz, and its events.

    A notebook shows it as a player.
    """

    samples: np.ndarray
    sample_rate: int
    events: Events = field(default_factory=Events)

    @property
    def duration(self) -> float:
        """Duration in seconds."""
        return len(self.samples) / self.sample_rate

    @property
    def words(self) -> tuple[Event, ...]:
        """The words as written, in order, each with its time."""
        return tuple(event for event in self.events if event.kind == "word")

    def save(self, path: str | Path) -> None:
        """Write a WAV file, 16 bit, mono.

        :raises RequestError: for any other extension than ``.wav``.
        """
        if Path(path).suffix.lower() != ".wav":
            raise RequestError(
                f"cannot write {str(path)!r}: only .wav is supported; convert the .wav with another tool"
            )
        Path(path).write_bytes(self.wav())

    def wav(self) -> bytes:
        """Return the bytes of a WAV file, 16 bit, mono."""
        import io
        import wave

        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(self.sample_rate)
            file.writeframes(pcm16(self.samples))
        return buffer.getvalue()

    def _repr_html_(self) -> str:
        import base64

        data = base64.b64encode(self.wav()).decode()
        return f'<audio controls src="data:audio/wav;base64,{data}"></audio>'


def pcm16(samples: np.ndarray) -> bytes:
    """Return samples as 16-bit little-endian PCM, clipped to -1..1."""
    data: bytes = (np.clip(samples, -1.0, 1.0) * 32767.0).round().astype("<i2").tobytes()
    return data
