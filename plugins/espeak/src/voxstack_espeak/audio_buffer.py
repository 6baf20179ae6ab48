"""The audio of one utterance and its events, on their way from a process to the stream."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from voxstack.streaming.timeline import Timeline

WORD, SENTENCE, MARK, END, PHONEME = 1, 2, 3, 5, 7
"""The types of espeak-ng's events that are used here."""
MAX_HELD = 20
"""Seconds of one sentence that are held back at most: of a longer one, parts are reported, as ``phrase``."""

_TAG = re.compile(r"<[^<>]*>")  # a pattern that crosses a "<" takes quadratic time on many of them


class _OpenEvent(NamedTuple):
    """An event that has begun: its sample, its first character and, once known, the character after its last."""

    start: int
    first: int
    end: int
    text: str
    kind: str


class AudioBuffer:
    """Buffers audio and pending events of one utterance until they can be released.

    Samples and events are added in the order in which they are produced. The end of an event is known when the next one
    begins, and an event belongs to the audio in which it begins. So audio is held back until the word and the sentence
    that begin in it are complete. Without a timeline, nothing is held back.

    :param text: the text as passed to espeak-ng; its first character is number ``text_start`` of the request's text.
    :param sentence_kind: kind of the events that sentences are reported as.
    :param ssml: whether the text is SSML.
    """

    def __init__(
        self,
        text: str,
        timeline: Timeline | None,
        sample_rate: int,
        text_start: int = 0,
        sentence_kind: str = "sentence",
        ssml: bool = False,
    ) -> None:
        self._text, self._timeline, self._text_start = text, timeline, text_start
        self._sentence_kind, self._ssml = sentence_kind, ssml
        self._max_held = MAX_HELD * sample_rate
        self._open: dict[int, _OpenEvent] = {}
        self._samples = bytearray()
        self._taken = self._added = 0
        self._sound_end = 0  # sample at which the last phoneme of the word ends
        self._word_end = 0  # character after the last word

    @property
    def ready(self) -> int:
        """Number of samples that can be taken now."""
        return min([self._added, *(event.start for event in self._open.values())]) - self._taken

    def add_samples(self, samples: bytes) -> None:
        """Append samples, 16 bit, little-endian."""
        self._samples += samples
        self._added += len(samples) // 2
        sentence = self._open.get(SENTENCE)
        if sentence is not None and self._added - sentence.start > self._max_held:
            self._report_part(sentence)

    def add_events(self, rows: Iterable[tuple[int, int, int, int, str]]) -> None:
        """Append events: type, sample, first character (counted from 1), number of characters, and name."""
        if self._timeline is not None:
            for kind, sample, position, length, name in rows:
                self._add_event(kind, sample, self._first_character(position - 1), length, name)

    def finish(self) -> None:
        """Complete all events: the utterance has ended."""
        self._end_word(self._added, len(self._text))
        self._end_sentence(self._added, len(self._text))

    def take(self, count: int) -> np.ndarray:
        """Remove and return ``count`` samples, or as many as are ready: (samples,) float32 in -1..1."""
        count = min(count, self.ready)
        chunk = np.frombuffer(bytes(self._samples[: 2 * count]), "<i2").astype(np.float32) / np.float32(32768)
        del self._samples[: 2 * count]
        self._taken += count
        return chunk

    def _add_event(self, kind: int, sample: int, first: int, length: int, name: str) -> None:
        if kind == PHONEME:
            self._end_phoneme(sample)
            if name:
                self._open[PHONEME] = _OpenEvent(sample, first, first, name, "phoneme")
        elif kind == WORD:
            if WORD in self._open and first < self._word_end:  # espeak-ng reports "23" as two words in one place
                return
            self._end_word(sample, first)
            self._word_end = min(first + length, len(self._text))
            self._open[WORD] = _OpenEvent(sample, first, self._word_end, "", "word")
            self._sound_end = sample
        elif kind == SENTENCE:
            self._end_word(sample, first)
            self._end_sentence(sample, first)
            self._open[SENTENCE] = _OpenEvent(sample, first, first, "", self._sentence_kind)
        elif kind == MARK:
            self._report(_OpenEvent(sample, first, first, name, "mark"), sample)
        elif kind == END:
            self._end_word(sample, first)

    def _first_character(self, position: int) -> int:
        """Return where a word reported at ``position`` begins: after markup, espeak-ng counts a character too many."""
        position = max(0, position)
        if self._ssml:
            entity = self._text.rfind("&", self._word_end, position)
            if self._text[position : position + 1] == ";" and self._text[entity + 1 : position].isalnum():
                return entity
            while position > self._word_end and self._text[position - 1].isalnum():
                position -= 1
        return position

    def _end_phoneme(self, sample: int) -> None:
        phoneme = self._open.pop(PHONEME, None)
        if phoneme is not None:
            self._report(phoneme, sample)
            self._sound_end = sample

    def _end_word(self, sample: int, following: int) -> None:
        """Report the open word: with the words joined to it, up to the last letter before character ``following``."""
        self._end_phoneme(sample)
        word = self._open.pop(WORD, None)
        if word is not None:
            end = self._end_of_word(word, following)
            text = html.unescape(self._text[word.first : end]) if self._ssml else self._text[word.first : end]
            self._report(word._replace(text=text, end=end), max(word.start, self._sound_end))

    def _end_of_word(self, word: _OpenEvent, following: int) -> int:
        written = self._text[word.first : following]
        if self._ssml:
            entity = re.match(r"&\w+;", written)
            if entity:
                return word.first + entity.end()
            written = re.split("[<&]", written)[0]
        letters = [index for index, character in enumerate(written) if character.isalnum()]
        last = word.first + letters[-1] + 1 if letters else word.end
        return last if self._ssml else max(last, word.end)

    def _end_sentence(self, sample: int, end: int) -> None:
        sentence = self._open.pop(SENTENCE, None)
        if sentence is None:
            return
        written = self._text[sentence.first : end].rstrip()
        if self._ssml:
            written = _without_trailing_tags(written)
        spoken = html.unescape(_TAG.sub("", written)) if self._ssml else written
        if spoken:
            self._report(sentence._replace(text=spoken, end=sentence.first + len(written)), sample)

    def _report_part(self, sentence: _OpenEvent) -> None:
        """Report the part of a sentence before the open word, so that its audio can be released."""
        word = self._open.get(WORD)
        if word is None or word.start <= sentence.start:
            return
        self._open[SENTENCE] = sentence._replace(kind="phrase")
        self._end_sentence(word.start, word.first)
        self._open[SENTENCE] = _OpenEvent(word.start, word.first, word.first, "", "phrase")

    def _report(self, event: _OpenEvent, end: int) -> None:
        """Report an event that ends at sample ``end``."""
        assert self._timeline is not None, "events are added only with a timeline"
        span = None if event.kind == "phoneme" else (self._text_start + event.first, self._text_start + event.end)
        self._timeline.add(event.kind, event.text, event.start, end - event.start, span)


def _without_trailing_tags(text: str) -> str:
    """Return a text without the tags and spaces at its end, in linear time."""
    end = len(text)
    while end:
        if text[end - 1].isspace():
            end -= 1
            continue
        start = text.rfind("<", 0, end)
        if text[end - 1] != ">" or start < 0 or ">" in text[start : end - 1]:
            break
        end = start
    return text[:end]
