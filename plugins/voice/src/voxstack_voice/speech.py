"""Synthesized speech: whole utterances."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from voxstack.errors import RequestError
from voxstack.streaming.timeline import Event, Events, Timeline
from voxstack.streaming.tracing import Trace
from voxstack_voice.chunk import Chunk, as_array, counted

if TYPE_CHECKING:
    from voxstack_voice.audio.player import Player

MAX_RATE = 384_000
"""Highest sample rate in Hz."""


@dataclass(frozen=True, repr=False)
class Speech:
    """A whole utterance: ``samples``, float32 in -1..1, at ``sample_rate`` Hz, and its events.

    ``np.asarray(speech)`` is its samples, and ``len(speech)`` their number. A notebook shows it as a player. Its
    ``trace`` is that with which it was synthesized, if any. Methods that change the audio return a new speech, without.
    """

    samples: np.ndarray
    sample_rate: int
    events: Events = field(default_factory=Events)
    trace: Trace | None = field(default=None, repr=False, compare=False)

    @classmethod
    def joined(cls, chunks: Iterable[Chunk], sample_rate: int | None = None, trace: Trace | None = None) -> Self:
        """Return the speech of the chunks of a stream, such as those that were played.

        :param chunks: all of one stream, in order.
        :param sample_rate: in Hz; by default that of the chunks.
        :param trace: with which they were synthesized.
        :raises RequestError: if there is no chunk with a sample rate.
        """
        chunks = list(chunks)
        rate = sample_rate or next((chunk.sample_rate for chunk in chunks), 0)
        if not rate:
            raise RequestError("no chunk has a sample rate; give sample_rate, in Hz")
        samples = np.concatenate([np.zeros(0, np.float32), *(chunk.samples for chunk in chunks)])
        return cls(samples, rate, Events.joined(chunk.events for chunk in chunks), trace)

    @property
    def duration(self) -> float:
        """Duration in seconds."""
        return len(self.samples) / self.sample_rate

    @property
    def words(self) -> tuple[Event, ...]:
        """The words as written, in order, each with its time."""
        return tuple(event for event in self.events if event.kind == "word")

    def play(self, wait: bool = True) -> Player:
        """Play on the default audio device (``pip install "voxstack-voice[play]"``).

        An interruption, Ctrl-C or "stop" of a notebook, silences it at once.

        :param wait: until it has been played; otherwise, ``stop()`` of the result stops it, and ``finish()`` waits.
        :raises RequestError: if sounddevice is not installed, there is no device, or it fails.
        """
        from voxstack_voice.audio.player import Player

        player = Player(self.sample_rate)
        try:
            player.write(self.samples)
            player.finish(wait)
        except BaseException:  # also when interrupted
            player.stop()
            raise
        return player

    def save(self, path: str | Path) -> None:
        """Write a file in the format of its extension; see :meth:`encode`.

        An older file is replaced only when the new one is complete and on the disk.

        :raises RequestError: for an unknown extension, a missing library, or if the file cannot be written.
        """
        from voxstack_voice.audio.complete_file import write_complete_file

        write_complete_file(Path(path), self._encoded(str(path)))

    def encode(self, extension: str) -> bytes:
        """Return the bytes of an audio file, mono.

        :param extension: ``wav`` (16 bit); with ``pip install "voxstack-voice[audio]"``, ``flac``, ``mp3``, ``ogg``
            (Vorbis) or ``opus``; with ``"voxstack-voice[av]"``, ``aac``, ``m4a`` or ``webm``. A format that cannot hold
            the sample rate gets the next higher one.
        :raises RequestError: for an unknown extension, or a missing library.
        """
        return self._encoded(f"speech.{extension.lstrip('.')}")

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
        return self.encode("wav")

    def resample(self, sample_rate: int) -> Speech:
        """Return the speech at another sample rate, by libsoxr; its events have the same times.

        :param sample_rate: in Hz.
        :raises RequestError: for a rate that is no whole number from 1 on, or if soxr is not installed.
        """
        if isinstance(sample_rate, bool) or not isinstance(sample_rate, int) or not 1 <= sample_rate <= MAX_RATE:
            raise RequestError(
                f"the sample rate is {sample_rate!r}, and must be a whole number from 1 to {MAX_RATE} Hz"
            )
        if sample_rate == self.sample_rate:
            return self
        from voxstack_voice.audio.encodings import import_library

        soxr = import_library("soxr", "resampling", f"use the samples at {self.sample_rate} Hz")
        return Speech(soxr.resample(self.samples, self.sample_rate, sample_rate), sample_rate, self.events)

    def loudness(self) -> float:
        """Return the integrated loudness in LUFS (ITU-R BS.1770), -inf for silence.

        :raises RequestError: if pyloudnorm is not installed.
        """
        from voxstack_voice.audio.loudness import loudness

        return loudness(self.samples, self.sample_rate)

    def normalize(self, lufs: float = -16.0, peak: float = -1.0) -> Speech:
        """Return the speech at a loudness, by one gain for all of it.

        The gain is less, with a warning, if more would lift the true peak above ``peak``: nothing is clipped or
        limited. Silence remains as it is.

        :param lufs: integrated loudness, LUFS (ITU-R BS.1770); of speech below 0.4 s, the loudness of the whole.
        :param peak: highest true peak, dB relative to full scale.
        :raises RequestError: for values out of range, or if pyloudnorm or soxr is not installed.
        """
        import warnings

        from voxstack_voice.audio.loudness import normalizing_gain

        gain, reached = normalizing_gain(self.samples, self.sample_rate, lufs, peak)
        if math.isfinite(reached) and reached < lufs - 0.1:
            reason = f"more would lift the true peak above {peak:g} dB"
            warnings.warn(f"the loudness is {reached:.1f} LUFS instead of {lufs:g}: {reason}", stacklevel=2)
        return Speech((self.samples * np.float32(gain)).astype(np.float32), self.sample_rate, self.events)

    def cut(self, start: float = 0.0, stop: float | None = None) -> Speech:
        """Return a part of the speech, with the events that begin in it, at their times in the part.

        :param start: seconds.
        :param stop: seconds; None, or more than there are: the end. Events that last longer end there.
        :raises RequestError: if ``start`` is negative, or after ``stop``.
        """
        end = self.duration if stop is None else min(stop, self.duration)
        if not 0.0 <= start <= end:
            raise RequestError(
                f"cannot cut from {start} to {stop} s of {self.duration:.2f} s; write 0 <= start <= stop"
            )
        first, last = round(start * self.sample_rate), round(end * self.sample_rate)
        begin, end = first / self.sample_rate, last / self.sample_rate
        moved = Timeline(1.0)  # in seconds
        for event in self.events:
            if begin <= event.start < end or event.start == end == self.duration:
                moved.add(
                    event.kind, event.text, event.start - begin, min(event.duration, end - event.start), event.span
                )
        return Speech(self.samples[first:last], self.sample_rate, moved.take(math.inf))

    def __len__(self) -> int:
        return len(self.samples)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return as_array(self.samples, dtype, copy)

    def __repr__(self) -> str:
        return f"Speech({self.duration:.2f} s, {self.sample_rate} Hz, {counted(len(self.words), 'word')})"

    def _repr_html_(self) -> str:
        import base64

        data = base64.b64encode(self.wav()).decode()
        return f'<audio controls src="data:audio/wav;base64,{data}"></audio>'

    def _encoded(self, name: str) -> bytes:
        import io

        from voxstack_voice.audio.audio_file import AudioFile

        buffer = io.BytesIO()
        with AudioFile(buffer, name, self.sample_rate) as file:
            file.write(self.samples)
        return buffer.getvalue()
