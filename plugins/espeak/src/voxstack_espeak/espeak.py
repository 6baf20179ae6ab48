"""The block ``Espeak``, which synthesizes with espeak-ng."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from voxstack import (
    Frames,
    RequestError,
    Resources,
    Schedule,
    SequenceBlock,
    StackError,
    StreamableBlock,
    Utterance,
    waiting,
)
from voxstack_espeak.audio_buffer import AudioBuffer
from voxstack_espeak.library_paths import LibraryPaths
from voxstack_espeak.parameters import parameters
from voxstack_espeak.process_pool import ProcessPool
from voxstack_espeak.spoken_text import SpokenText
from voxstack_espeak.synthesis import Synthesis
from voxstack_espeak.voices import check_voice

_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-+]|$)")

READ_AHEAD = 1 << 19
"""The most samples read ahead: 24 s or 1 MiB. A stream with less than that left holds no process any more."""


@dataclass
class Espeak(StreamableBlock):
    """Synthesizes ``text`` with espeak-ng, a formant synthesizer of some hundred languages, at 22050 Hz.

    It is the head of a stream of samples and yields chunks while espeak-ng synthesizes. Each utterance is synthesized
    by a freshly loaded library in another process, so that the same text always gives the same samples. Text that
    arrives in parts is awaited as a whole; ``Sentences`` around this block synthesizes while the text is still being
    written. ``markup`` may be ``"ssml"``, as espeak-ng reads it, except for its audio files.

    Controls, if the utterance has them: ``rate`` (a factor, 0.46 to 2.57), ``pitch`` (semitones, -7.5 to 9),
    ``pitch_range`` (a factor, 0 to 1.98), ``volume`` (dB, up to 6) and ``voice``.

    Words, sentences, phonemes and marks are reported to the request's timeline. Dashes are pauses also without spaces
    ("came--and"), and there is no pause after a period that ends no sentence ("Dr. Smith").

    :param voice: name, language or file of one of espeak-ng's voices, optionally followed by ``+`` and a variant:
        ``en-us``, ``de``, ``en-gb+f2``.
    :param sample_rate: sample rate of the output, Hz, for stacks that change it later (``Resample``); by default the
        addon's.
    :param ends: a block that gives the ``sentence_ends`` of a text, such as ``SentenceEnds`` (plugin ``text``); it gets
        the text without markup, and as ``language`` that of the voice. Without it sentences end where espeak-ng ends
        them, also after "Dr."; inside ``Sentences`` each text is one.
    """

    voice: str = "en-us"
    sample_rate: int | None = field(default=None, metadata={"minimum": 1, "maximum": 384_000})
    ends: SequenceBlock | None = None
    _pool: ProcessPool | None = field(default=None, init=False, repr=False, compare=False)
    _samples_per_frame: int = field(default=1, init=False, repr=False, compare=False)
    _output_rate: int = field(default=0, init=False, repr=False, compare=False)

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def load(self, addon: Resources) -> None:
        self._pool = ProcessPool.shared(LibraryPaths.find())
        self._samples_per_frame = addon.config["hop_length"]
        self._output_rate = check_voice(self._pool, self.voice, self.stack_path or "Espeak")
        self._check_rate(addon.config["sample_rate"] if self.sample_rate is None else self.sample_rate)

    def _check_rate(self, declared: int) -> None:
        rate = self._output_rate
        if declared != rate:
            raise StackError(
                self.stack_path or "Espeak",
                f"espeak-ng synthesizes at {rate} Hz, but sample_rate is {declared}; set the addon's sample_rate to "
                f'{rate}, or give Espeak "sample_rate": {rate} and put '
                f'{{"type": "Resample", "source_rate": {rate}, "target_rate": {declared}}} (plugin dsp) after it',
            )

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        assert self._pool is not None, "Espeak runs after load(addon)"
        markup = utterance.get("markup", "text")
        if markup not in ("text", "ssml"):
            raise RequestError(
                f"Espeak: this block reads plain text and SSML, not {markup!r}; put Sentences (plugin text) around it"
            )
        written = _whole(utterance["text"])
        if not written.strip():
            return
        text = self._read(written, utterance)
        buffer, request = self._buffer(text, utterance), self._request(text.read, utterance)
        schedule: Schedule = utterance.get("schedule", Schedule()).in_samples(self._samples_per_frame)
        read_ahead = 0  # nothing is read ahead for the first chunk
        with closing(self._pool.run(request)) as replies:
            synthesis = Synthesis(request["voice"], replies, buffer)
            for size in schedule.sizes():
                if not synthesis.read(max(size, read_ahead)):
                    replies.close()
                if not buffer.ready:
                    return
                yield buffer.take(size)
                read_ahead = READ_AHEAD

    def _read(self, text: str, utterance: Utterance) -> SpokenText:
        def find_ends(plain: str) -> list[int] | None:
            return self._find_ends(plain, utterance)

        if _is_ssml(utterance):
            return SpokenText.of_ssml(text, find_ends)
        return SpokenText.of_text(text, find_ends, utterance.get("passage"))

    def _find_ends(self, text: str, utterance: Utterance) -> list[int] | None:
        """Return the ends of the sentences of a text without markup; None: those of espeak-ng."""
        if utterance.get("unit") is not None:
            return []
        if self.ends is None:
            return None
        language = _LANGUAGE.match(utterance.get("voice") or self.voice)
        spoken = {"text": text, "markup": "text", "language": language[1] if language else "en"}
        return [int(end) for end in self.ends({**utterance, **spoken})["sentence_ends"]]

    def _buffer(self, text: SpokenText, utterance: Utterance) -> AudioBuffer:
        unit = utterance.get("unit")
        return AudioBuffer(
            text,
            utterance.get("timeline"),
            self._output_rate,
            text_start=utterance.get("text_start", 0),
            sentence_kind="sentence" if unit is None else unit.kind,
            passage=utterance.get("passage"),
        )

    def _request(self, text: str, utterance: Utterance) -> dict[str, Any]:
        return {
            "do": "synthesize",
            "voice": utterance.get("voice") or self.voice,
            "text": text,
            "ssml": _is_ssml(utterance),
            "parameters": parameters(utterance),
        }


def _is_ssml(utterance: Utterance) -> bool:
    return bool(utterance.get("markup", "text") == "ssml")


def _whole(text: Any) -> str:
    """Return the whole text, without the character that would end it."""
    if not isinstance(text, str):
        with waiting(for_input=True):
            text = text.whole() if hasattr(text, "whole") else "".join(text)
    return str(text).replace("\0", " ")
