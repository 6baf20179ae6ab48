"""Reports when words and phonemes are said."""

from __future__ import annotations

import numpy as np

from voxstack import Utterance


def report(utterance: Utterance, ends: np.ndarray) -> None:
    """Tell the utterance's timeline, if it has one, the words and phonemes of the utterance.

    :param ends: (tokens,) frame behind the last of each token.
    """
    timeline = utterance.get("timeline")
    if timeline is None:
        return
    starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
    base = utterance.get("text_start", 0)
    for word in utterance.get("words", ()):
        start, end = int(starts[word.first_token]), int(ends[word.first_token + word.tokens - 1])
        timeline.add("word", word.text, start, end - start, (base + word.start, base + word.end))
    for phone, start, end in zip(utterance.get("phones", ()), starts, ends, strict=False):
        timeline.add("phoneme", phone, int(start), int(end - start))
