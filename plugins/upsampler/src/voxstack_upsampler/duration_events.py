"""Events of words, phonemes and marks, from the durations of tokens."""

from __future__ import annotations

from typing import Any

import numpy as np

from voxstack import Utterance


def report_events(utterance: Utterance, ends: np.ndarray) -> None:
    """Report the utterance itself, its words, phonemes and marks to its timeline, if it has one.

    :param ends: (tokens,) past-the-end frame of each token.
    """
    timeline = utterance.get("timeline")
    if timeline is None:
        return
    starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
    text_start = utterance.get("text_start", 0)
    unit = utterance.get("unit")
    if unit is not None and len(ends):
        timeline.add(unit.kind, unit.text, 0, int(ends[-1]), _span(unit, text_start))
    words, phones, marks = (utterance.get(name, ()) for name in ("words", "phones", "marks"))
    first = starts[[word.first_token for word in words]] if words else ()
    last = ends[[word.first_token + word.tokens - 1 for word in words]] if words else ()
    spans = [_span(word, text_start) for word in words]
    timeline.add_all("word", [word.text for word in words], first, np.subtract(last, first), spans)
    timeline.add_all("phoneme", phones, starts, ends - starts)
    for mark in marks:
        timeline.add("mark", mark.text, int(starts[mark.token]), 0, _span(mark, text_start))


def _span(item: Any, text_start: int) -> tuple[int, int]:
    return text_start + item.start, text_start + item.end
