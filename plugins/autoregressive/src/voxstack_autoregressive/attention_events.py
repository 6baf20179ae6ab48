"""Events of words, phonemes and marks, from the attention of a decoder."""

from __future__ import annotations

from typing import Any

import numpy as np

from voxstack import Utterance
from voxstack.streaming.timeline import Timeline
from voxstack_autoregressive.attended_steps import Alignment


class AttentionEvents:
    """Reports words, phonemes, marks and the utterance itself to its timeline, if it has one, once their end is known.

    A token lasts as many steps as the alignment gives it, and begins where the tokens before it end.

    :param alignment: of steps with the tokens of the utterance.
    :param frames_per_step: frames that each step gives.
    """

    def __init__(self, utterance: Utterance, alignment: Alignment, frames_per_step: int) -> None:
        self._timeline: Timeline | None = utterance.get("timeline")
        self._text_start = utterance.get("text_start", 0)
        self._unit = utterance.get("unit")
        self._phones, self._words, self._marks = (
            list(utterance.get(name, ())) for name in ("phones", "words", "marks")
        )
        self._alignment, self._frames_per_step = alignment, frames_per_step
        self._reported = 0  # number of reported tokens

    def add(self, attention: np.ndarray, ended: bool) -> None:
        """Add the attention of new steps, (steps, tokens).

        :param ended: whether these were the last steps.
        """
        if self._timeline is None or not len(attention):
            return
        alignment = self._alignment
        alignment.add(attention, ended)
        if alignment.passed > self._reported:
            self._report(self._timeline, self._reported, alignment.passed)
            self._reported = alignment.passed
        if ended:
            self.end(float(alignment.steps.sum()) * self._frames_per_step)

    def end(self, frames: float) -> None:
        """Report the utterance itself, which had this number of frames."""
        if self._timeline is not None and self._unit is not None:
            unit = self._unit
            self._timeline.add(unit.kind, unit.text, 0, frames, self._span(unit))

    def _report(self, timeline: Timeline, first: int, stop: int) -> None:
        """Report the tokens from ``first`` up to ``stop``, exclusive."""
        bounds = np.concatenate([[0.0], np.cumsum(self._alignment.steps[:stop]) * self._frames_per_step])
        named = [token for token in range(first, min(stop, len(self._phones))) if self._phones[token]]
        timeline.add_all("phoneme", [self._phones[i] for i in named], bounds[named], np.diff(bounds)[named])
        while self._words and self._words[0].first_token + self._words[0].tokens <= stop:
            word = self._words.pop(0)
            start = float(bounds[word.first_token])
            duration = float(bounds[word.first_token + word.tokens]) - start
            timeline.add("word", word.text, start, duration, self._span(word))
        while self._marks and self._marks[0].token < stop:
            mark = self._marks.pop(0)
            timeline.add("mark", mark.text, float(bounds[mark.token]), 0, self._span(mark))

    def _span(self, item: Any) -> tuple[int, int]:
        return self._text_start + item.start, self._text_start + item.end
