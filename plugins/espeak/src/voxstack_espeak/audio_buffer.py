"""The audio of one utterance and its events, on their way from a process to the stream."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from voxstack.streaming.timeline import Timeline
from voxstack_espeak.spoken_text import SpokenText, SpokenWord

WORD, SENTENCE, MARK, END, PHONEME = 1, 2, 3, 5, 7
"""The types of espeak-ng's events that are used here."""
MAX_HELD = 20
"""Seconds of one sentence that are held back at most: of a longer one, parts are reported, as ``phrase``."""


class _OpenEvent(NamedTuple):
    """An event that has begun: its sample, and in the written text its first character and, once known, its end."""

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

    espeak-ng reports a word where it begins to read it, parts of one such as "$5" at several places, of words that it
    joins ("I am") only the first, and places after white space or a mark that are not exact. So each place counts for
    the written word that it is in, or that follows, and a word that is not reported belongs to the one before it.

    :param text: the text; the first character of what is written is number ``text_start`` of the request's text.
    :param sentence_kind: kind of the events that sentences are reported as.
    :param passage: the passage that the text is of, which knows where its characters are written; None: one after the
        other from ``text_start`` on.
    """

    def __init__(
        self,
        text: SpokenText,
        timeline: Timeline | None,
        sample_rate: int,
        text_start: int = 0,
        sentence_kind: str = "sentence",
        passage: Any = None,
    ) -> None:
        self._text, self._timeline, self._text_start = text, timeline, text_start
        self._sentence_kind, self._passage = sentence_kind, passage
        self._max_held = MAX_HELD * sample_rate
        self._open: dict[int, _OpenEvent] = {}
        self._samples = bytearray()
        self._taken = self._added = 0
        self._sound_end = 0  # sample at which the last phoneme of the word ends
        self._words = text.words
        self._following = next(self._words, None)
        self._read_end = 0  # character after the last word, in the text that espeak-ng reads
        self._sentences = -1  # number of sentences that ended before the open one
        self._sentence_ended = False

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
                self._add_event(kind, sample, max(0, position - 1), length, name)

    def finish(self) -> None:
        """Complete all events: the utterance has ended."""
        self._join(self._words_before(len(self._text.read) + 1))
        self._end_word(self._added)
        self._end_sentence(self._added, len(self._text.written))

    def take(self, count: int) -> np.ndarray:
        """Remove and return ``count`` samples, or as many as are ready: (samples,) float32 in -1..1."""
        count = min(count, self.ready)
        chunk = np.frombuffer(bytes(self._samples[: 2 * count]), "<i2").astype(np.float32) / np.float32(32768)
        del self._samples[: 2 * count]
        self._taken += count
        return chunk

    def _add_event(self, kind: int, sample: int, position: int, length: int, name: str) -> None:
        if kind == PHONEME:
            self._end_phoneme(sample)
            if name:
                self._open[PHONEME] = _OpenEvent(sample, 0, 0, name, "phoneme")
        elif kind == WORD:
            if length and position >= self._read_end:  # one of no length is a mark
                self._add_word(sample, position)
        elif kind == SENTENCE:
            self._sentence_ended = True
        elif kind == MARK:
            self._report(_OpenEvent(sample, position, position, name, "mark"), sample)
        elif kind == END and position >= self._read_end:
            self._join(self._words_before(position + 1))
            self._end_word(sample)

    def _add_word(self, sample: int, position: int) -> None:
        """Begin the word that is at ``position``, or follows it."""
        joined = list(self._words_before(position))
        self._join(joined)
        word = self._next_word()
        if word is None:  # what is heard belongs to the last word
            return
        start = joined[0].start if joined and WORD not in self._open else word.start
        self._end_word(sample)
        if self._begins_sentence(word.start):
            self._end_sentence(sample, start)
            self._open[SENTENCE] = _OpenEvent(sample, start, start, "", self._sentence_kind)
        self._open[WORD] = _OpenEvent(sample, start, word.end, "", "word")
        self._sound_end = sample

    def _begins_sentence(self, start: int) -> bool:
        """Return whether a sentence begins with the word at character ``start`` of the written text."""
        ended, self._sentence_ended = self._sentence_ended, False
        if self._text.ends is None:
            return ended or SENTENCE not in self._open
        before, self._sentences = self._sentences, bisect_right(self._text.ends, start)
        return self._sentences != before

    def _words_before(self, position: int) -> Iterator[SpokenWord]:
        """Take the words that end before ``position``, counted a character too far after markup."""
        while self._following is not None and self._following.read_end + self._text.is_ssml <= position:
            word = self._next_word()
            assert word is not None
            yield word

    def _next_word(self) -> SpokenWord | None:
        word, self._following = self._following, next(self._words, None)
        if word is not None:
            self._read_end = word.read_end
        return word

    def _join(self, words: Iterable[SpokenWord]) -> None:
        """Extend the open word to the last of those that were read with it."""
        for word in words:
            if WORD in self._open:
                self._open[WORD] = self._open[WORD]._replace(end=word.end)

    def _end_phoneme(self, sample: int) -> None:
        phoneme = self._open.pop(PHONEME, None)
        if phoneme is not None:
            self._report(phoneme, sample)
            self._sound_end = sample

    def _end_word(self, sample: int) -> None:
        self._end_phoneme(sample)
        word = self._open.pop(WORD, None)
        if word is not None:
            text = self._text.plain(word.first, word.end)
            self._report(word._replace(text=text), max(word.start, self._sound_end))

    def _end_sentence(self, sample: int, following: int) -> None:
        """Report the open sentence, before the word at character ``following`` of the written text."""
        sentence = self._open.pop(SENTENCE, None)
        if sentence is not None:
            first, end = self._text.sentence(sentence.first, following)
            self._report(sentence._replace(text=self._text.plain(first, end), first=first, end=end), sample)

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
        span = None if event.kind == "phoneme" else self._span(event.first, event.end)
        self._timeline.add(event.kind, event.text, event.start, end - event.start, span)

    def _span(self, first: int, end: int) -> tuple[int, int]:
        """Return a span in the request's text."""
        first, end = (first, end) if self._passage is None else self._passage.span(first, end)
        return self._text_start + first, self._text_start + end
