"""Reports when words and phonemes are said, and marks are reached."""

from __future__ import annotations

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
    for word in utterance.get("words", ()):
        start, end = int(starts[word.first_token]), int(ends[word.first_token + word.tokens - 1])
        timeline.add("word", word.text, start, end - start, (base + word.start, base + word.end))
    for phone, start, end in zip(utterance.get("phones", ()), starts, ends, strict=False):
        timeline.add("phoneme", phone, int(start), int(end - start))
    for mark in utterance.get("marks", ()):
        timeline.add("mark", mark.text, int(starts[mark.token]), 0, (base + mark.start, base + mark.end))
