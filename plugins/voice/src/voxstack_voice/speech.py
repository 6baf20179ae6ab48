"""Synthesized speech: chunks of a stream, and whole utterances."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from voxstack.errors import RequestError
from voxstack.streaming.timeline import Event, Events
from voxstack.streaming.tracing import Trace


@dataclass(frozen=True)
class Chunk:
    """A chunk of a stream: ``samples``, float32 in -1..1, the first of which has index ``start`` in the whole.

    ``events`` begin within the chunk, in order. The last chunk of a stream may have no samples, only events at its end.
    ``sample_rate`` is that of the voice in Hz, the same for all chunks of a stream; 0 in a chunk that no voice made.
    """

    samples: np.ndarray
    start: int
    events: Events = field(default_factory=Events)
    sample_rate: int = 0

    def pcm16(self) -> bytes:
        """Return the samples as 16-bit little-endian PCM, clipped to -1..1."""
        return pcm16(self.samples)


@dataclass(frozen=True)
class Speech:
    """A whole utterance: ``samples``, float32 in -1..1, at ``sample_rate`` Hz, and its events.

    A notebook shows it as a player. ``trace`` is that with which it was synthesized, if any.
    """

    samples: np.ndarray
    sample_rate: int
    events: Events = field(default_factory=Events)
    trace: Trace | None = field(default=None, repr=False, compare=False)

    @property
    def duration(self) -> float:
        """Duration in seconds."""
        return len(self.samples) / self.sample_rate

    @property
    def words(self) -> tuple[Event, ...]:
        """The words as written, in order, each with its time."""
        return tuple(event for event in self.events if event.kind == "word")

    def save(self, path: str | Path) -> None:
        """Write a WAV file, 16 bit, mono. An older file is replaced only when the new one is complete and on the disk.

        :raises RequestError: for any other extension than ``.wav``, or if the file cannot be written.
        """
        if Path(path).suffix.lower() != ".wav":
            raise RequestError(
                f"cannot write {str(path)!r}: only .wav is supported; convert the .wav with another tool"
            )
        from voxstack_voice.audio.complete_file import write_complete_file

        write_complete_file(Path(path), self.wav())

    def plot(self, kind: str = "spectrogram", path: str | Path | None = None, **options: Any) -> Any:
        """Return a picture of the speech, which a notebook shows, and write it to ``path`` if that is given.

        :param kind: ``spectrogram``, ``alignment``, ``pitch`` or ``trace``; see :func:`voxstack.plot`. The last needs
            the ``trace`` of the speech, and the alignment of a voice with attention is drawn from it.
        :param path: a ``.png`` or ``.svg`` file.
        :param options: of that kind, such as ``scale="linear"``.
        :raises PluginError: if ``voxstack-plot``, the extra ``plot``, is not installed.
        """
        import voxstack

        return voxstack.plot(self, kind, path, **options)

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
