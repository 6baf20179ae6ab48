"""The flow of steps through adjacent blocks: how far they look ahead and back, and the chunk sizes they accept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from voxstack.streaming.schedule import Schedule
from voxstack.streaming.timeline import Timeline
from voxstack.utterance import Utterance

if TYPE_CHECKING:
    from voxstack.blocks import StreamableBlock


class Flow(NamedTuple):
    """The lookahead, hop, chunk sizes and lookback of a loaded block."""

    lookahead: int
    hop: float
    chunk_sizes: tuple[int, ...]
    lookback: int | None = None

    @classmethod
    def of(cls, block: StreamableBlock) -> Flow:
        return cls(block.lookahead, block.hop, block.chunk_sizes, block.lookback)


def total_lookahead(flows: Sequence[Flow], after: int) -> int:
    """Return the lookahead of adjacent blocks, in steps of the first.

    :param after: lookahead of the blocks after them, in steps of the last.
    """
    for flow in reversed(flows):
        after = flow.lookahead + math.ceil(after / flow.hop)
    return after


def total_lookback(flows: Sequence[Flow]) -> int | None:
    """Return the lookback of adjacent blocks, in steps of the first; None: it may be all steps."""
    total, hop = 0, 1.0
    for flow in flows:
        if flow.lookback is None:
            return None
        total += math.ceil(flow.lookback / hop)
        hop *= flow.hop
    return total


def skip_before(flows: Sequence[Flow], skip: int) -> int:
    """Return how many of its first steps no one reads of a block that is followed by others.

    :param skip: the same number at the end of those.
    """
    for flow in reversed(flows):
        if flow.lookback is None:
            return 0
        skip = max(0, math.floor(skip / flow.hop) - flow.lookback)
    return skip


def common_chunk_sizes(flows: Sequence[Flow]) -> tuple[int, ...]:
    """Return the only numbers of new steps that adjacent blocks all accept, counted at the first; empty: any.

    Where several have fixed sizes, each of them by itself, a chunk fits the smallest sizes of all, or the next, and so
    on.
    """
    hop, lists = 1.0, []
    for flow in flows:
        if flow.chunk_sizes:
            lists.append([max(1, math.floor(size / hop)) for size in flow.chunk_sizes])
        hop *= flow.hop
    return tuple(dict.fromkeys(min(sizes) for sizes in zip(*lists, strict=False)))


def utterance_before(flows: Sequence[Flow], utterance: Utterance) -> Utterance:
    """Return the utterance for a block followed by others: with its own schedule, timeline and ``skip``."""
    schedule: Schedule = utterance.get("schedule", Schedule())
    timeline: Timeline | None = utterance.get("timeline")
    hop = math.prod(flow.hop for flow in flows)
    lookahead = total_lookahead(flows, schedule.lookahead)
    own = {**utterance, "schedule": schedule.before(lookahead, hop, common_chunk_sizes(flows))}
    if timeline is not None:
        own["timeline"] = timeline.within(hop=hop)
    if utterance.get("skip"):
        own["skip"] = skip_before(flows, utterance["skip"])
    return own
