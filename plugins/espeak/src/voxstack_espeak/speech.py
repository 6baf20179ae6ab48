"""What a process has said and nobody has heard yet."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from voxstack.streaming.timeline import Timeline

WORD, SENTENCE, MARK, END, PHONEME = 1, 2, 3, 5, 7
HELD = 20
"""Seconds of one sentence at most before its audio is given out: of a longer one, parts are reported, as ``phrase``."""


_TAG = re.compile(r"<[^>]*>")
_TAGS_BEHIND = re.compile(r"(?:\s|<[^>]*>)*\Z")


class _Open(NamedTuple):
    """Something that has begun: the sample, the character, and the character behind it if that is known."""

    start: int
    first: int
    behind: int
    text: str
    kind: str


class Speech:
    """Takes samples and events of an utterance in the order in which they are made, and gives out the samples.

    How long something lasts is known when the next one begins, and an event belongs to the audio in which it begins. So audio is
    held back until the word and the sentence that begin in it have been made; nothing is where nobody listens to events.

    :param text: as it was given to espeak-ng, whose first character is number ``base`` of the request's text.
    :param sentence: the kind under which sentences are reported.
    :param markup: whether the text is SSML.
    """

    def __init__(
        self,
        text: str,
        timeline: Timeline | None,
        sample_rate: int,
        base: int = 0,
        sentence: str = "sentence",
        markup: bool = False,
    ) -> None:
        self._text, self._timeline, self._base, self._sentence, self._markup = text, timeline, base, sentence, markup
        self._longest = HELD * sample_rate
        self._open: dict[int, _Open] = {}
        self._samples = bytearray()
        self._given = self._made = 0
        self._sound = 0  # where the last phoneme of the word ends
        self._behind = 0  # the last word's last character

    @property
    def ready(self) -> int:
        """Samples that can be given out now."""
        return min([self._made, *(one.start for one in self._open.values())]) - self._given

    def take_samples(self, samples: bytes) -> None:
        """More samples, 16 bit."""
        self._samples += samples
        self._made += len(samples) // 2
        sentence = self._open.get(SENTENCE)
        if sentence is not None and self._made - sentence.start > self._longest:
            self._cut(sentence)

    def take_events(self, rows: Iterable[tuple[int, int, int, int, str]]) -> None:
        """Events: type, sample, first character, counted from 1, characters, and name."""
        if self._timeline is not None:
            for kind, sample, position, length, name in rows:
                self._take(kind, sample, self._begin(position - 1), length, name)

    def finish(self) -> None:
        """There is no more."""
        self._end_word(self._made, len(self._text))
        self._end_sentence(self._made, len(self._text))

    def give(self, count: int) -> np.ndarray:
        """Remove and return so many samples, or as many as are ready: (samples,) float32 in -1..1."""
        count = min(count, self.ready)
        chunk = np.frombuffer(bytes(self._samples[: 2 * count]), "<i2").astype(np.float32) / np.float32(32768)
        del self._samples[: 2 * count]
        self._given += count
        return chunk

    def _take(self, kind: int, sample: int, first: int, length: int, name: str) -> None:
        if kind == PHONEME:
            self._end_phoneme(sample)
            if name:
                self._open[PHONEME] = _Open(sample, first, first, name, "phoneme")
        elif kind == WORD:
            if WORD in self._open and first < self._behind:  # "23" is two words to espeak-ng, which both stand here
                return
            self._end_word(sample, first)
            self._behind = min(first + length, len(self._text))
            self._open[WORD] = _Open(sample, first, self._behind, "", "word")
            self._sound = sample
        elif kind == SENTENCE:
            self._end_word(sample, first)
            self._end_sentence(sample, first)
            self._open[SENTENCE] = _Open(sample, first, first, "", self._sentence)
        elif kind == MARK:
            self._report(_Open(sample, first, first, name, "mark"), sample)
        elif kind == END:
            self._end_word(sample, first)

    def _begin(self, place: int) -> int:
        """Where a word that is said to begin at ``place`` begins: behind markup, espeak-ng counts one character too many."""
        place = max(0, place)
        if self._markup:
            entity = self._text.rfind("&", self._behind, place)
            if self._text[place : place + 1] == ";" and self._text[entity + 1 : place].isalnum():
                return entity
            while place > self._behind and self._text[place - 1].isalnum():
                place -= 1
        return place

    def _end_phoneme(self, sample: int) -> None:
        phoneme = self._open.pop(PHONEME, None)
        if phoneme is not None:
            self._report(phoneme, sample)
            self._sound = sample

    def _end_word(self, sample: int, following: int) -> None:
        """The word ends, whatever is left of it and of words that were joined with it: up to the letter before ``following``."""
        self._end_phoneme(sample)
        word = self._open.pop(WORD, None)
        if word is not None:
            behind = self._word_end(word, following)
            text = html.unescape(self._text[word.first : behind]) if self._markup else self._text[word.first : behind]
            self._report(word._replace(text=text, behind=behind), max(word.start, self._sound))

    def _word_end(self, word: _Open, following: int) -> int:
        written = self._text[word.first : following]
        if self._markup:
            entity = re.match(r"&\w+;", written)
            if entity:
                return word.first + entity.end()
            written = re.split("[<&]", written)[0]
        letters = [place for place, character in enumerate(written) if character.isalnum()]
        last = word.first + letters[-1] + 1 if letters else word.behind
        return last if self._markup else max(last, word.behind)

    def _end_sentence(self, sample: int, behind: int) -> None:
        sentence = self._open.pop(SENTENCE, None)
        if sentence is None:
            return
        written = self._text[sentence.first : behind].rstrip()
        if self._markup:
            written = _TAGS_BEHIND.sub("", written)
        said = html.unescape(_TAG.sub("", written)) if self._markup else written
        if said:
            self._report(sentence._replace(text=said, behind=sentence.first + len(written)), sample)

    def _cut(self, sentence: _Open) -> None:
        """End the part of a sentence that has been said, at its last word."""
        word = self._open.get(WORD)
        if word is None or word.start <= sentence.start:
            return
        self._open[SENTENCE] = sentence._replace(kind="phrase")
        self._end_sentence(word.start, word.first)
        self._open[SENTENCE] = _Open(word.start, word.first, word.first, "", "phrase")

    def _report(self, one: _Open, end: int) -> None:
        assert self._timeline is not None
        span = None if one.kind == "phoneme" else (self._base + one.first, self._base + one.behind)
        self._timeline.add(one.kind, one.text, one.start, end - one.start, span)
