"""Espeak: speaks with espeak-ng."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from voxstack import Frames, RequestError, Resources, Schedule, StackError, StreamableBlock, Utterance
from voxstack.streaming.turn import waiting
from voxstack_espeak.library import Library
from voxstack_espeak.pool import Pool
from voxstack_espeak.process import Process
from voxstack_espeak.prosody import parameters
from voxstack_espeak.speech import Speech
from voxstack_espeak.voices import check_voice, unknown

AHEAD = 1 << 19
"""Samples read ahead at most, 24 s or 1 MiB. Whoever listens to a shorter rest holds no process any more."""


@dataclass
class Espeak(StreamableBlock):
    """Speaks ``text`` with espeak-ng, a formant synthesizer of some hundred languages: a stream of samples at 22050 Hz.

    It is the head of a stream, and streams while espeak-ng speaks. Each utterance is said by a library of its own in another
    process, so that the same text always gives the same samples. Of ``text`` that comes in pieces all is waited for; ``Sentences``
    around it speaks while the text is still written. ``markup`` may be ``"ssml"``, as espeak-ng reads it, without its audio files.

    Controls, where the utterance has them: ``rate`` (a factor, 0.46 to 2.57), ``pitch`` (semitones, -7.5 to 9), ``pitch_range``
    (a factor, 0 to 1.98), ``volume`` (dB, up to 6) and ``voice``.

    Words, sentences, phonemes and marks are reported to the request's timeline.

    :param voice: name, language or file of one of espeak-ng's voices, with a variant behind a ``+``: ``en-us``, ``de``, ``en-gb+f2``.
    :param sample_rate: of what it makes, Hz, for stacks that change it later (``Resample``); the addon's, unless given.
    """

    voice: str = "en-us"
    sample_rate: int | None = None
    _pool: Pool | None = field(default=None, init=False, repr=False, compare=False)
    _samples_a_frame: int = field(default=1, init=False, repr=False, compare=False)
    _made_rate: int = field(default=0, init=False, repr=False, compare=False)

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def load(self, addon: Resources) -> None:
        self._pool = Pool.shared(Library.found())
        self._samples_a_frame = addon.config["hop_length"]
        self._made_rate = check_voice(self._pool, self.voice, self.stack_path or "Espeak")
        self._check_rate(addon.config["sample_rate"] if self.sample_rate is None else self.sample_rate)

    def _check_rate(self, said: int) -> None:
        made = self._made_rate
        if said != made:
            raise StackError(
                self.stack_path or "Espeak",
                f"espeak-ng makes samples at {made} Hz, and this says {said}; give the addon the sample_rate {made}, or "
                f'"sample_rate": {made} to Espeak and put {{"type": "Resample", "source_rate": {made}, "target_rate": {said}}} '
                "(plugin dsp) behind it",
            )

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        assert self._pool is not None, "load() comes first"
        text = _whole(utterance["text"])
        if not text.strip():
            return
        unit = utterance.get("unit")
        kind, ssml = "sentence" if unit is None else unit.kind, utterance.get("markup", "text") == "ssml"
        speech = Speech(text, utterance.get("timeline"), self._made_rate, utterance.get("text_start", 0), kind, ssml)
        wanted = 0  # for the first chunk nothing is read ahead
        with ExitStack() as holding:
            saying = _Saying(holding.enter_context(self._pool.process()), self._request(text, ssml, utterance), speech)
            for size in _of_samples(utterance.get("schedule", Schedule()), self._samples_a_frame).sizes():
                if not saying.until(max(size, wanted)):
                    holding.close()
                if not speech.ready:
                    return
                yield speech.give(size)
                wanted = AHEAD

    def _request(self, text: str, ssml: bool, utterance: Utterance) -> dict[str, Any]:
        voice = utterance.get("voice") or self.voice
        return {"do": "speak", "voice": voice, "text": text, "ssml": ssml, "parameters": parameters(utterance)}


class _Saying:
    """A request on its way from a process into what can be heard."""

    def __init__(self, process: Process, request: Mapping[str, Any], speech: Speech) -> None:
        self._voice, self._speech = request["voice"], speech
        self._replies = process.ask(request)
        self._goes_on = True

    def until(self, samples: int) -> bool:
        """Read until so many samples are ready, or there are no more; whether there are.

        :raises RequestError: if there is no such voice.
        """
        while self._goes_on and self._speech.ready < samples:
            reply = next(self._replies)
            if reply.kind == "s":
                self._speech.take_samples(reply.contents)
            elif reply.kind == "e":
                self._speech.take_events(reply.read())
            else:
                next(self._replies, None)  # the process is free when its replies have ended
                self._goes_on = False
                if "voices" in (result := reply.read()):
                    raise RequestError(f"Espeak: {unknown(self._voice, result['voices'])}")
                self._speech.finish()
        return self._goes_on


def _whole(text: Any) -> str:
    """The text, in one piece, without the character that would end it."""
    if not isinstance(text, str):
        with waiting():
            text = "".join(text)
    return text.replace("\0", " ")


def _of_samples(schedule: Schedule, hop_length: int) -> Schedule:
    """The same schedule in samples, ``hop_length`` for each frame."""
    return replace(schedule, first=schedule.first * hop_length, largest=schedule.largest * hop_length)
