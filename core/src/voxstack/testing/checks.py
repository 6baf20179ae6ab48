"""The clauses of the contract of blocks: functions that raise AssertionError with what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from voxstack.blocks import Block, SequenceBlock, StreamableBlock
from voxstack.testing.concurrent import (
    check_keeps_nothing_of_an_utterance,
    check_keeps_streams_apart,
    check_moves_between_threads,
    check_runs_on_many_threads,
)
from voxstack.testing.declared import (
    check_gives_what_it_says,
    check_keeps_its_hop,
    check_keeps_its_lookahead,
    check_keeps_its_lookback,
    check_keeps_to_single_precision,
    check_makes_what_it_says,
    check_names_all_it_needs,
    check_needs_only_what_it_reads,
)
from voxstack.testing.described import (
    check_enforces_its_limits,
    check_is_cheap_to_import,
    check_is_described,
    check_survives_a_round_trip_through_json,
)
from voxstack.testing.ended import (
    check_can_be_left_at_any_time,
    check_does_not_grow,
    check_passes_errors_on,
    check_reports_events_in_range,
)
from voxstack.testing.judging import Check
from voxstack.testing.running import check_is_deterministic, check_runs_on_its_case
from voxstack.testing.streamed import (
    check_gives_no_empty_chunk,
    check_ignores_how_the_source_is_cut,
    check_ignores_the_schedule,
    check_leaves_its_source_alone,
    check_leaves_the_utterance_alone,
    check_leaves_what_it_gave_alone,
    check_skips_what_no_one_reads,
    check_takes_any_text,
    check_takes_long_streams,
    check_takes_short_streams,
    check_waits_for_no_more_than_its_lookahead,
)

EVERY: tuple[Check, ...] = (
    check_is_described,
    check_enforces_its_limits,
    check_survives_a_round_trip_through_json,
    check_is_cheap_to_import,
    check_runs_on_its_case,
    check_is_deterministic,
    check_names_all_it_needs,
    check_needs_only_what_it_reads,
    check_leaves_the_utterance_alone,
    check_keeps_nothing_of_an_utterance,
    check_runs_on_many_threads,
    check_passes_errors_on,
    check_does_not_grow,
)
"""Clauses of every block."""

STREAMS: tuple[Check, ...] = (
    check_makes_what_it_says,
    check_keeps_to_single_precision,
    check_leaves_what_it_gave_alone,
    check_gives_no_empty_chunk,
    check_keeps_streams_apart,
    check_moves_between_threads,
    check_can_be_left_at_any_time,
    check_skips_what_no_one_reads,
    check_reports_events_in_range,
)
"""Clauses of streamable blocks."""

SOURCES: tuple[Check, ...] = (
    check_leaves_its_source_alone,
    check_keeps_its_hop,
    check_keeps_its_lookahead,
    check_keeps_its_lookback,
    check_waits_for_no_more_than_its_lookahead,
    check_ignores_how_the_source_is_cut,
    check_takes_short_streams,
    check_takes_long_streams,
)
"""Clauses of streamable blocks that read a source."""

HEADS: tuple[Check, ...] = (check_ignores_the_schedule,)
"""Clauses of streamable blocks that start a stream."""


def checks_for(block: Block) -> Iterator[Check]:
    """Yield the clauses that apply to a block."""
    yield from EVERY
    if isinstance(block, SequenceBlock):
        yield check_gives_what_it_says
    if isinstance(block, StreamableBlock):
        yield from STREAMS
        yield from HEADS if block.head else SOURCES
    if "text" in block.needs:
        yield check_takes_any_text
