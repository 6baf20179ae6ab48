"""Events of words, phonemes and marks, from the durations of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from voxstack import Utterance
from voxstack.streaming.timeline import Timeline


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
    _report_phonemes(timeline, phones, starts, ends)
    for mark in marks:
        timeline.add("mark", mark.text, int(starts[mark.token]), 0, _span(mark, text_start))


def _report_phonemes(timeline: Timeline, phones: Sequence[str], starts: np.ndarray, ends: np.ndarray) -> None:
    """Report the phonemes; the frames of a token without a name count to the phoneme before it."""
    if "" in phones:
        named = np.flatnonzero([name != "" for name in phones])
        phones, starts, ends = (
            [name for name in phones if name],
            starts[named],
            ends[[*(named[1:] - 1), len(phones) - 1]],
        )
    timeline.add_all("phoneme", phones, starts, ends - starts)


def _span(item: Any, text_start: int) -> tuple[int, int]:
    return text_start + item.start, text_start + item.end
