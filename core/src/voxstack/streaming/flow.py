"""The flow of steps through adjacent blocks: how far they look ahead, and the chunk sizes that they accept."""

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
    """The lookahead, hop and chunk sizes of a loaded block."""

    lookahead: int
    hop: float
    chunk_sizes: tuple[int, ...]

    @classmethod
    def of(cls, block: StreamableBlock) -> Flow:
        return cls(block.lookahead, block.hop, block.chunk_sizes)


def total_lookahead(flows: Sequence[Flow], after: int) -> int:
    """Return the lookahead of adjacent blocks, in steps of the first.

    :param after: lookahead of the blocks after them, in steps of the last.
    """
    for flow in reversed(flows):
        after = flow.lookahead + math.ceil(after / flow.hop)
    return after


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
    """Return the utterance for a block followed by others: with its own view of the schedule and the timeline."""
    schedule: Schedule = utterance.get("schedule", Schedule())
    timeline: Timeline | None = utterance.get("timeline")
    hop = math.prod(flow.hop for flow in flows)
    lookahead = total_lookahead(flows, schedule.lookahead)
    own = {**utterance, "schedule": schedule.before(lookahead, hop, common_chunk_sizes(flows))}
    if timeline is not None:
        own["timeline"] = timeline.within(hop=hop)
    return own
