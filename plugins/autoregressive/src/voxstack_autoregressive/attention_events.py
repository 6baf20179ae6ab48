"""Events of words, phonemes and marks, from the attention of a decoder."""

from __future__ import annotations

from typing import Any

import numpy as np

from voxstack import Utterance
from voxstack.streaming.timeline import Timeline

LAG = 2
"""Tokens by which the attention must have passed a token before it is reported: adjacent tokens share steps."""


class AttentionEvents:
    """Reports words, phonemes, marks and the utterance itself to its timeline, if it has one, once their end is known.

    A token lasts as many frames as it was attended, a token that shares a step as its share of that step, and begins
    where the tokens before it end. That holds for an attention that goes from the first token to the last.

    :param tokens: number of tokens of the utterance.
    """

    def __init__(self, utterance: Utterance, tokens: int) -> None:
        self._timeline: Timeline | None = utterance.get("timeline")
        self._text_start = utterance.get("text_start", 0)
        self._unit = utterance.get("unit")
        self._phones, self._words, self._marks = (
            list(utterance.get(name, ())) for name in ("phones", "words", "marks")
        )
        self._frames = np.zeros(tokens)
        self._reported = 0  # number of reported tokens

    def add(self, frames: np.ndarray, ended: bool) -> None:
        """Add the attention of new steps, (steps, tokens), in frames.

        :param ended: whether these were the last steps.
        """
        if self._timeline is None or not len(frames):
            return
        self._frames += frames.sum(0)
        tokens = len(self._frames)
        passed = tokens if ended else max(self._reported, int(frames.argmax(1).max()) - LAG + 1)
        if passed > self._reported:
            self._report(self._timeline, self._reported, passed)
            self._reported = passed
        if ended:
            self.end(float(self._frames.sum()))

    def end(self, frames: float) -> None:
        """Report the utterance itself, which had this number of frames."""
        if self._timeline is not None and self._unit is not None:
            unit = self._unit
            self._timeline.add(unit.kind, unit.text, 0, frames, self._span(unit))

    def _report(self, timeline: Timeline, first: int, stop: int) -> None:
        """Report the tokens from ``first`` up to ``stop``, exclusive."""
        ends = np.cumsum(self._frames[:stop])
        starts = ends - self._frames[:stop]
        named = [token for token in range(first, min(stop, len(self._phones))) if self._phones[token]]
        timeline.add_all("phoneme", [self._phones[i] for i in named], starts[named], (ends - starts)[named])
        while self._words and self._words[0].first_token + self._words[0].tokens <= stop:
            word = self._words.pop(0)
            last = word.first_token + word.tokens - 1
            start = float(starts[word.first_token])
            timeline.add("word", word.text, start, float(ends[last]) - start, self._span(word))
        while self._marks and self._marks[0].token < stop:
            mark = self._marks.pop(0)
            timeline.add("mark", mark.text, float(starts[mark.token]), 0, self._span(mark))

    def _span(self, item: Any) -> tuple[int, int]:
        return self._text_start + item.start, self._text_start + item.end
