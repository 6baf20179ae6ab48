"""Cuts of a sequence of phonemes into parts of a limited number of symbols."""

from __future__ import annotations

from collections.abc import Sequence

_SENTENCE_MARKS = frozenset(".!?…")
_CLAUSE_MARKS = frozenset(",;:—")


def cut_symbols(symbols: Sequence[str], longest: int) -> list[tuple[int, int]]:
    """Return the start and end of each part of at most ``longest`` symbols; spaces around a cut are in no part.

    There are as few parts as the best cuts allow, of similar length. Linear in the number of symbols, but for a factor
    that is the logarithm of ``longest``.
    """
    if len(symbols) <= longest:
        return [(0, len(symbols))]
    pieces = _pieces(symbols, longest)
    if not pieces:  # nothing but spaces
        return []
    fewest = len(_joined(pieces, longest))
    low, high = max(end - start for start, end in pieces), longest
    while low < high:  # the smallest limit that needs no more parts makes them similar
        middle = (low + high) // 2
        if len(_joined(pieces, middle)) <= fewest:
            high = middle
        else:
            low = middle + 1
    return _joined(pieces, low)


def _pieces(symbols: Sequence[str], longest: int) -> list[tuple[int, int]]:
    """Return pieces between the least disruptive cuts that make each short enough."""
    pending, found = [(0, len(symbols), 0)], []
    while pending:
        start, end, level = pending.pop()
        while start < end and symbols[start].isspace():
            start += 1
        while end > start and symbols[end - 1].isspace():
            end -= 1
        if end - start <= longest:
            found += [(start, end)] if start < end else []
        elif level == len(_LEVELS):
            found += [(first, min(first + longest, end)) for first in range(start, end, longest)]
        else:
            marks = _LEVELS[level]
            cuts = [
                i + 1 for i in range(start, end - 1) if symbols[i + 1].isspace() and (not marks or symbols[i] in marks)
            ]
            edges = [start, *cuts, end]
            pending += [(edges[i], edges[i + 1], level + 1) for i in range(len(edges) - 2, -1, -1)]
    return found


_LEVELS = (_SENTENCE_MARKS, _CLAUSE_MARKS, frozenset[str]())
"""What stands before the space of a cut, from the best places to the worst; empty: anything."""


def _joined(pieces: Sequence[tuple[int, int]], longest: int) -> list[tuple[int, int]]:
    """Return neighbouring pieces joined to parts, each as long as possible."""
    parts = [pieces[0]]
    for start, end in pieces[1:]:
        if end - parts[-1][0] <= longest:
            parts[-1] = (parts[-1][0], end)
        else:
            parts.append((start, end))
    return parts
