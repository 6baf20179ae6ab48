"""Flite: speaks with Flite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Literal

import numpy as np

from voxstack import Frames, RequestError, Resources, Schedule, StackError, StreamableBlock, Utterance, did_you_mean
from voxstack.streaming.timeline import Timeline
from voxstack.streaming.turn import waiting
from voxstack_flite.process import FliteProcess
from voxstack_flite.saying import Phone, Saying
from voxstack_flite.sentences import Piece, pieces

Name = Literal["slt", "rms", "awb", "kal16", "kal"]
VOICES: dict[str, int] = {"slt": 16000, "rms": 16000, "awb": 16000, "kal16": 16000, "kal": 8000}
"""Voices, and the sample rates that they speak at, Hz."""
STRETCH, SHIFT = "duration_stretch", "f0_shift"
"""Features of Flite: factors on the durations and on the pitch."""
FIXED_MELODY = frozenset({"rms"})
"""Voices whose pitch cannot be changed."""


@dataclass
class Flite(StreamableBlock):
    """Speaks English ``text`` with Flite, a small synthesizer: a stream of samples at 16000 Hz, or 8000 for the voice ``kal``.

    It is the head of a stream: each sentence is made when it is asked for, and given out while it is made. The same text always gives
    the same samples. Text that comes in pieces is waited for; ``Sentences`` around it speaks while the text is still written.
    Characters that are not ASCII are read without their accents, or not at all.

    Controls, where the utterance has them: ``rate`` (a factor), ``pitch`` (semitones; not of ``rms``), ``volume`` (dB) and ``voice``.

    Words, sentences and phonemes are reported to the request's timeline.

    :param voice: slt (female, US), rms (male, US), awb (male, Scottish), kal16 (male, US, of diphones), kal (the same at 8000 Hz).
    :param sample_rate: of what it makes, Hz, for stacks that change it later (``Resample``); the addon's, unless given.
    """

    voice: Name = "slt"
    sample_rate: int | None = None
    _process: FliteProcess | None = field(default=None, init=False, repr=False, compare=False)
    _samples_a_frame: int = field(default=1, init=False, repr=False, compare=False)

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def load(self, addon: Resources) -> None:
        self._process = FliteProcess.shared()
        self._process.check(self.voice)
        self._samples_a_frame = addon.config["hop_length"]
        said, made = addon.config["sample_rate"] if self.sample_rate is None else self.sample_rate, VOICES[self.voice]
        if said != made:
            raise StackError(
                self.stack_path or "Flite",
                f"the voice {self.voice!r} makes samples at {made} Hz, and this says {said}; give the addon the sample_rate {made}, or "
                f'"sample_rate": {made} to Flite and put {{"type": "Resample", "source_rate": {made}, "target_rate": {said}}} '
                "(plugin dsp) behind it",
            )

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        if utterance.get("markup", "text") != "text":
            raise RequestError("Flite: this block reads no SSML; put Sentences (plugin text) around it")
        voice, factors = self._voice(utterance), _factors(utterance)
        if SHIFT in factors and voice in FIXED_MELODY:
            raise RequestError(f"Flite: the pitch of the voice {voice!r} cannot be changed; take another voice")
        text = utterance["text"]
        if not isinstance(text, str):
            with waiting():
                text = "".join(text)
        sizes = _of_samples(utterance.get("schedule", Schedule()), self._samples_a_frame).sizes()
        with closing(self._parts(text, voice, factors, utterance)) as parts:
            yield from _cut(parts, sizes, 10 ** (utterance.get("volume", 0.0) / 20))

    def _parts(self, text: str, voice: str, factors: dict[str, float], utterance: Utterance) -> Iterator[bytes]:
        """Samples as they are made; what is said in them is reported before."""
        assert self._process is not None, "load() comes first"
        timeline: Timeline | None = utterance.get("timeline")
        unit, base, made = utterance.get("unit"), utterance.get("text_start", 0), 0
        for piece in pieces(text):
            if unit is not None:
                piece = piece._replace(kind=unit.kind)
            said = 0
            with closing(Saying(self._process, voice, piece, factors).parts()) as parts:
                for part in parts:
                    if isinstance(part, bytes):
                        said += len(part) // 2
                        yield part
                    elif timeline is not None:
                        _report(timeline.within(made, VOICES[voice]), piece, part, text, base)
            made += said

    def _voice(self, utterance: Utterance) -> str:
        name = utterance.get("voice") or self.voice
        fitting = [voice for voice, rate in VOICES.items() if rate == VOICES[self.voice]]
        if name not in fitting:
            raise RequestError(
                f"Flite: there is no voice {name!r} here{did_you_mean(name, fitting)}; there are {', '.join(fitting)}"
            )
        return str(name)


def _factors(utterance: Utterance) -> dict[str, float]:
    """Features of Flite that the request's controls change, each by a factor."""
    rate, pitch = utterance.get("rate", 1.0), utterance.get("pitch", 0.0)
    if not 0.2 <= rate <= 5:
        raise RequestError(f"Flite: rate is {rate:g}; give 0.2 to 5")
    if not -12 <= pitch <= 12:
        raise RequestError(f"Flite: pitch is {pitch:g} semitones; give -12 to 12")
    return {name: factor for name, factor in ((STRETCH, 1 / rate), (SHIFT, 2 ** (pitch / 12))) if factor != 1}


def _report(timeline: Timeline, piece: Piece, phones: Sequence[Phone], text: str, base: int) -> None:
    """Tell what is said; ``timeline`` counts in seconds from the piece's first sample on."""
    ends = [phone.end for phone in phones]
    starts = [0.0, *ends[:-1]]
    timeline.add(piece.kind, text[piece.first : piece.end], 0, ends[-1], (base + piece.first, base + piece.end))
    for number, group in groupby(range(len(phones)), lambda index: phones[index].token):
        if number is not None:
            places, token = list(group), piece.tokens[number]
            length = ends[places[-1]] - starts[places[0]]
            timeline.add(
                "word", text[token.first : token.end], starts[places[0]], length, (base + token.first, base + token.end)
            )
    timeline.add_all("phoneme", [phone.name for phone in phones], starts, np.subtract(ends, starts))


def _cut(parts: Iterator[bytes], sizes: Iterator[int], factor: float) -> Frames:
    """Chunks of these sizes, (samples,) float32: in -1..1, times a factor."""
    scale = np.float32(factor / 32768)
    held = bytearray()
    size = next(sizes)
    for part in parts:
        held += part
        while len(held) >= 2 * size:
            yield _samples(held, size, scale)
            size = next(sizes)
    if held:
        yield _samples(held, len(held) // 2, scale)


def _samples(held: bytearray, count: int, scale: np.float32) -> np.ndarray:
    chunk = np.frombuffer(bytes(held[: 2 * count]), "<i2").astype(np.float32) * scale
    del held[: 2 * count]
    return chunk


def _of_samples(schedule: Schedule, hop_length: int) -> Schedule:
    """The same schedule in samples, ``hop_length`` for each frame."""
    return replace(schedule, first=schedule.first * hop_length, largest=schedule.largest * hop_length)
