"""The block ``Flite``, which synthesizes with Flite."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal

import numpy as np

from voxstack import (
    Frames,
    RequestError,
    Resources,
    Schedule,
    SequenceBlock,
    StackError,
    StreamableBlock,
    Utterance,
    did_you_mean,
    waiting,
)
from voxstack.streaming.timeline import Timeline
from voxstack_flite.process import FliteProcess
from voxstack_flite.sentences import Sentence, split_sentences
from voxstack_flite.synthesis import Phone, Synthesis

VoiceName = Literal["slt", "rms", "awb", "kal16", "kal"]
VOICES: dict[str, int] = {"slt": 16000, "rms": 16000, "awb": 16000, "kal16": 16000, "kal": 8000}
"""The voices and their sample rates, Hz."""
STRETCH, SHIFT = "duration_stretch", "f0_shift"
"""Features of Flite: factors on durations and pitch."""
MAX_VOLUME = 60
"""dB."""
FIXED_PITCH = frozenset({"rms"})
"""Voices whose pitch cannot be changed."""


@dataclass
class Flite(StreamableBlock):
    """Synthesizes English ``text`` with Flite, a small synthesizer, at 16000 Hz, or 8000 Hz with the voice ``kal``.

    It is the head of a stream of samples: each sentence is synthesized when it is requested, and yielded while it is
    synthesized. The same text always gives the same samples. Text that arrives in parts is awaited as a whole;
    ``Sentences`` around this block synthesizes while the text is still being written. Accents are removed from
    characters that are not ASCII; characters without an ASCII form are skipped.

    Controls, if the utterance has them: ``rate`` (a factor, 0.2 to 5), ``pitch`` (semitones, -12 to 12; not with
    ``rms``), ``volume`` (dB) and ``voice``.

    Words, sentences and phonemes are reported to the request's timeline.

    :param voice: slt (female, US), rms (male, US), awb (male, Scottish), kal16 (male, US, of diphones), or kal (the
        same at 8000 Hz).
    :param sample_rate: sample rate of the output, Hz, for stacks that change it later (``Resample``); by default the
        addon's.
    :param ends: a block that gives the ``sentence_ends`` of a text, such as ``SentenceEnds`` (plugin ``text``), instead
        of a small rule of this block's own; inside ``Sentences`` each text is one sentence.
    """

    voice: VoiceName = "slt"
    sample_rate: int | None = field(default=None, metadata={"minimum": 1, "maximum": 384_000})
    ends: SequenceBlock | None = None
    _process: FliteProcess | None = field(default=None, init=False, repr=False, compare=False)
    _samples_per_frame: int = field(default=1, init=False, repr=False, compare=False)

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def load(self, addon: Resources) -> None:
        self._process = FliteProcess.shared()
        self._process.check(self.voice)
        self._samples_per_frame = addon.config["hop_length"]
        self._check_rate(addon.config["sample_rate"] if self.sample_rate is None else self.sample_rate)

    def _check_rate(self, declared: int) -> None:
        rate = VOICES[self.voice]
        if declared != rate:
            raise StackError(
                self.stack_path or "Flite",
                f"the voice {self.voice!r} synthesizes at {rate} Hz, but sample_rate is {declared}; set the addon's "
                f'sample_rate to {rate}, or give Flite "sample_rate": {rate} and put '
                f'{{"type": "Resample", "source_rate": {rate}, "target_rate": {declared}}} (plugin dsp) after it',
            )

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        markup = utterance.get("markup", "text")
        if markup != "text":
            raise RequestError(
                f"Flite: this block reads plain text, not {markup!r}; put Sentences (plugin text) around it"
            )
        voice, factors, loudness = self._voice(utterance), _factors(utterance), _loudness(utterance)
        if SHIFT in factors and voice in FIXED_PITCH:
            raise RequestError(f"Flite: the pitch of the voice {voice!r} cannot be changed; use another voice")
        text = _whole(utterance["text"])
        schedule: Schedule = utterance.get("schedule", Schedule()).in_samples(self._samples_per_frame)
        with closing(self._synthesize(text, voice, factors, utterance)) as parts:
            yield from _chunks(parts, schedule.sizes(), loudness)

    def _synthesize(
        self, text: str, voice: str, factors: dict[str, float], utterance: Utterance
    ) -> Generator[bytes, None, None]:
        """Yield samples, 16 bit, as they are produced; the events in them are reported before."""
        assert self._process is not None, "Flite runs after load(addon)"
        timeline: Timeline | None = utterance.get("timeline")
        unit, text_start, start = utterance.get("unit"), utterance.get("text_start", 0), 0
        for sentence in split_sentences(text, self._find_ends(text, utterance)):
            if unit is not None:
                sentence = sentence._replace(kind=unit.kind)
            samples = 0
            with closing(Synthesis(self._process, voice, sentence, factors).results()) as results:
                for result in results:
                    if isinstance(result, bytes):
                        samples += len(result) // 2
                        yield result
                    elif timeline is not None:
                        _report(timeline.within(start, VOICES[voice]), sentence, result, text, text_start)
            start += samples

    def _find_ends(self, text: str, utterance: Utterance) -> list[int] | None:
        """Return the ends of the sentences of a text; None: those that this block finds."""
        if utterance.get("unit") is not None:
            return []
        if self.ends is None or not text.strip():
            return None
        return [int(end) for end in self.ends({**utterance, "text": text})["sentence_ends"]]

    def _voice(self, utterance: Utterance) -> str:
        name = utterance.get("voice") or self.voice
        available = [voice for voice, rate in VOICES.items() if rate == VOICES[self.voice]]
        if name not in available:
            suggestion = did_you_mean(name, available)
            raise RequestError(f"Flite: there is no voice {name!r} here{suggestion}; use one of {', '.join(available)}")
        return str(name)


def _factors(utterance: Utterance) -> dict[str, float]:
    """Return the features of Flite that the request's controls change, each with its factor."""
    rate, pitch = utterance.get("rate", 1.0), utterance.get("pitch", 0.0)
    if not 0.2 <= rate <= 5:
        raise RequestError(f"Flite: rate is {rate:g}; use 0.2 to 5")
    if not -12 <= pitch <= 12:
        raise RequestError(f"Flite: pitch is {pitch:g} semitones; use -12 to 12")
    return {name: factor for name, factor in ((STRETCH, 1 / rate), (SHIFT, 2 ** (pitch / 12))) if factor != 1}


def _loudness(utterance: Utterance) -> float:
    """Return the factor of the request's volume."""
    volume = utterance.get("volume", 0.0)
    if not volume <= MAX_VOLUME:
        raise RequestError(f"Flite: volume is {volume:g} dB; use {MAX_VOLUME} at most")
    return float(10 ** (volume / 20))


def _report(timeline: Timeline, sentence: Sentence, phones: Sequence[Phone], text: str, text_start: int) -> None:
    """Report the events of a sentence to ``timeline``, which counts in seconds from its first sample.

    Flite plans a pause at the end that it synthesizes only in part, and this is no event and in none.
    """

    def span(first: int, end: int) -> tuple[int, int]:
        return text_start + first, text_start + end

    sounds = [index for index, phone in enumerate(phones, 1) if phone.token is not None]
    phones = phones[: sounds[-1] if sounds else 0]
    ends = [phone.end for phone in phones]
    starts = [0.0, *ends[:-1]]
    written = text[sentence.first : sentence.end]
    timeline.add(sentence.kind, written, 0, max(ends, default=0.0), span(sentence.first, sentence.end))
    for index, group in groupby(range(len(phones)), lambda phone: phones[phone].token):
        if index is not None:
            own, token = list(group), sentence.tokens[index]
            start, end = starts[own[0]], ends[own[-1]]
            timeline.add("word", text[token.first : token.end], start, end - start, span(token.first, token.end))
    timeline.add_all("phoneme", [phone.name for phone in phones], starts, np.subtract(ends, starts))


def _chunks(parts: Iterator[bytes], sizes: Iterator[int], factor: float) -> Frames:
    """Yield chunks of these sizes, (samples,) float32 in -1..1, times a factor."""
    scale = np.float32(factor / 32768)
    held = bytearray()
    size = next(sizes)
    for part in parts:
        held += part
        while len(held) >= 2 * size:
            yield _take(held, size, scale)
            size = next(sizes)
    if held:
        yield _take(held, len(held) // 2, scale)


def _take(held: bytearray, count: int, scale: np.float32) -> np.ndarray:
    chunk: np.ndarray = np.frombuffer(bytes(held[: 2 * count]), "<i2").astype(np.float32) * scale
    del held[: 2 * count]
    return chunk


def _whole(text: Any) -> str:
    """Return the whole text."""
    if not isinstance(text, str):
        with waiting(for_input=True):
            text = text.whole() if hasattr(text, "whole") else "".join(text)
    return str(text)
