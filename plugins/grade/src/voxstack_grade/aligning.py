"""Phonemes of a sentence against those of its baseline."""

from __future__ import annotations

import math
from difflib import SequenceMatcher


def parsed(phonemes: str) -> list[tuple[str, int]]:
    """Return names and milliseconds of phonemes, ``name:milliseconds`` with spaces between."""
    pairs = (item.rpartition(":") for item in phonemes.split())
    return [(name, int(milliseconds)) for name, _, milliseconds in pairs]


def changed_phonemes(own: str, base: str) -> tuple[float, float]:
    """Return the phonemes that were added, left out or replaced, and the number of those of the baseline."""
    import jiwer

    names, expected = ([name for name, _ in parsed(text)] for text in (own, base))
    if not expected or not names:
        return float(max(len(names), len(expected))), float(len(expected))
    found = jiwer.process_words(" ".join(expected), " ".join(names))
    return float(found.substitutions + found.deletions + found.insertions), float(len(expected))


def duration_error(own: str, base: str) -> tuple[float, float]:
    """Return the sum of absolute log ratios of the durations of phonemes that both have, and their number."""
    pairs, expected = parsed(own), parsed(base)
    matcher = SequenceMatcher(None, [name for name, _ in expected], [name for name, _ in pairs], autojunk=False)
    errors = [
        abs(math.log((pairs[block.b + i][1] + 1) / (expected[block.a + i][1] + 1)))
        for block in matcher.get_matching_blocks()
        for i in range(block.size)
    ]
    return sum(errors), float(len(errors))
