"""Passages whose inserts are part of their text, for readers that know none."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from typing import Any

from voxstack_text.passage import Insert, Passage


def with_spoken_inserts(passage: Passage) -> Passage:
    """Return a passage with what is spoken for each insert in place of its placeholder.

    For phones, which such a reader may not know, it is what is written there.
    """
    if not passage.inserts:
        return passage
    spoken = {insert.position: _spoken(insert) for insert in passage.inserts}
    parts = [spoken.get(index, character) for index, character in enumerate(passage.text)]
    origins = [_origin(passage, index) for index, part in enumerate(parts) for _ in part]
    shifts = list(accumulate((len(part) - 1 for part in parts), initial=0))

    def moved(position: int) -> int:
        inside = min(max(position, 0), len(shifts) - 1)  # a span may begin before the text, and end after it
        return inside + shifts[inside]

    def at(item: Any) -> Any:
        return item._replace(position=moved(item.position))

    return replace(
        passage,
        text="".join(parts),
        origins=tuple(origins),
        inserts=(),
        breaks=tuple(map(at, passage.breaks)),
        bookmarks=tuple(map(at, passage.bookmarks)),
        prosody_spans=tuple(
            span._replace(start=moved(span.start), end=moved(span.end)) for span in passage.prosody_spans
        ),
    )


def _spoken(insert: Insert) -> str:
    return insert.written if insert.kind == "phones" else insert.spoken


def _origin(passage: Passage, index: int) -> tuple[int, int]:
    return (passage.start + index, passage.start + index + 1) if passage.origins is None else passage.origins[index]
