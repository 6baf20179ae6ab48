"""Reports when words and phonemes are said, and marks are reached."""

from __future__ import annotations

from typing import Any

import numpy as np

from voxstack import Utterance


def report(utterance: Utterance, ends: np.ndarray) -> None:
    """Tell the utterance's timeline, if it has one, the utterance itself, its words, phonemes and marks.

    :param ends: (tokens,) frame behind the last of each token.
    """
    timeline = utterance.get("timeline")
    if timeline is None:
        return
    starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
    base = utterance.get("text_start", 0)
    unit = utterance.get("unit")
    if unit is not None and len(ends):
        timeline.add(unit.kind, unit.text, 0, int(ends[-1]), (base + unit.start, base + unit.end))
    words, phones, marks = (utterance.get(name, ()) for name in ("words", "phones", "marks"))
    first = starts[[word.first_token for word in words]] if words else ()
    last = ends[[word.first_token + word.tokens - 1 for word in words]] if words else ()
    timeline.add_all(
        "word", [word.text for word in words], first, np.subtract(last, first), [_span(word, base) for word in words]
    )
    timeline.add_all("phoneme", phones, starts, ends - starts)
    for mark in marks:
        timeline.add("mark", mark.text, int(starts[mark.token]), 0, _span(mark, base))


def _span(item: Any, base: int) -> tuple[int, int]:
    return base + item.start, base + item.end
