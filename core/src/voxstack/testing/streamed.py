"""Clauses on streams: what they read, and that the way in which the source is cut changes nothing."""

from __future__ import annotations

import math

import numpy as np

from voxstack.blocks import Frames, StreamableBlock
from voxstack.errors import describe
from voxstack.streaming.schedule import Schedule
from voxstack.testing.cases import Case, call, joined
from voxstack.testing.comparing import describe_difference
from voxstack.testing.declared import check_keeps_its_hop, check_keeps_its_lookahead
from voxstack.testing.feeding import Source, cut, frozen_utterance, schedules
from voxstack.testing.judging import presume
from voxstack.testing.running import check_is_deterministic, check_runs_on_its_case

LONG_STEPS, LONG_ELEMENTS, MANY_CHUNKS = 20_000, 1_000_000, 1_200
"""Steps, or elements, of a long chunk; chunks of a long stream, more than Python's limit of recursion."""

_FROZEN = ("read-only", "mappingproxy", "does not support item assignment")


def check_leaves_its_source_alone(case: Case) -> None:
    """Require that a streamable block never writes into a received chunk (here read-only)."""
    presume(case, check_runs_on_its_case)
    try:
        for _ in case.streamable.stream(cut(case.frames(), [16]), case.own_utterance()):
            pass
    except Exception as error:
        if not any(word in str(error) for word in _FROZEN):
            raise
        raise AssertionError(f"writes into a chunk that it was handed, or a view of it: {error}; copy it") from error


def check_leaves_the_utterance_alone(case: Case) -> None:
    """Require that a block writes neither into the utterance nor into its arrays (here read-only)."""
    presume(case, check_runs_on_its_case)
    try:
        case.exercise(frozen_utterance(case.utterance))
    except Exception as error:
        if not any(word in str(error) for word in _FROZEN):
            raise
        raise AssertionError(f"writes into the utterance that it was handed: {error}; return new entries") from error


def check_leaves_what_it_gave_alone(case: Case) -> None:
    """Require that chunks which were yielded stay as they were: the next ones have memory of their own."""
    presume(case, check_runs_on_its_case)
    block, kept, copies = case.streamable, [], []
    for chunk in block.stream(cut(case.frames(), [8], copy=True), case.own_utterance()):
        kept.append(chunk)
        copies.append(np.array(chunk))
    changed = [i for i, (a, b) in enumerate(zip(kept, copies, strict=True)) if not np.array_equal(a, b, equal_nan=True)]
    assert not changed, f"chunks {changed[:5]} changed after they were yielded; yield arrays that are not used again"


def check_gives_no_empty_chunk(case: Case) -> None:
    """Require steps in every chunk: where there are none, nothing is yielded."""
    presume(case, check_runs_on_its_case)
    for size in (1, 8, 10**6):
        empty = [index for index, chunk in enumerate(case.chunks([size], 400)) if not len(chunk)]
        assert not empty, f"yields empty chunks ({empty[:5]}) for chunks of {size} steps; yield nothing instead"


def check_ignores_how_the_source_is_cut(case: Case) -> None:
    """Require that joined chunks equal the uncut output, for every schedule and for short streams."""
    presume(case, check_runs_on_its_case, check_is_deterministic)
    ahead = case.streamable.lookahead
    short = {0, 1, 2, max(1, ahead - 1), ahead, ahead + 1}
    for total in sorted(short | {16, len(case.frames(97)), len(case.frames())}):
        try:
            whole = case.run([max(1, total)], total)
            runs = [(sizes, case.run(sizes, total)) for sizes in schedules(total)]
        except Exception:
            if total in short:
                continue  # another clause reports streams that are too short for a block
            raise
        for sizes, made in runs:
            problem = describe_difference(made, whole, case.tolerance)
            assert not problem, (
                f"{total} steps cut into {sizes[:6]}...: the output {problem}, compared to the uncut one"
            )


def check_ignores_the_schedule(case: Case) -> None:
    """Require that the joined output of a head is the same, whatever chunk sizes the schedule requests."""
    presume(case, check_runs_on_its_case, check_is_deterministic)
    whole = case.run([1], schedule=Schedule(first=10**6, largest=10**6))
    for schedule in (Schedule(first=1, growth=1.0), Schedule(first=7, growth=1.3, lookahead=5), Schedule()):
        problem = describe_difference(case.run([1], schedule=schedule), whole, case.tolerance)
        assert not problem, f"with {schedule}, the output {problem}, compared to one chunk of all"


def check_waits_for_no_more_than_its_lookahead(case: Case) -> None:
    """Require that nothing is read before it is needed: the first chunk of output takes ``lookahead`` + 1 steps.

    Later at most one chunk is read ahead, and nothing before the first chunk is requested.
    """
    presume(case, check_runs_on_its_case, check_keeps_its_hop, check_keeps_its_lookahead)
    block = case.streamable
    for size in (4 * block.lookahead + 16 * math.ceil(1 / block.hop), block.lookahead + math.ceil(1 / block.hop)):
        source = Source(case.frames(size * 6), [size])
        stream = block.stream(source.stream(), case.own_utterance())
        assert not source.pulled, "reads its source before the first chunk is requested; read in the generator"
        given = _require_no_reading_ahead(stream, source, block.lookahead, size)
        assert given, f"gives nothing for {size * 6} steps"


def _require_no_reading_ahead(stream: Frames, source: Source, ahead: int, size: int) -> int:
    given = 0
    for chunk in stream:
        given += len(chunk) > 0
        allowed = given + (given > 1)
        assert source.pulled <= max(allowed, 1), (
            f"reads {source.pulled} chunks of {size} steps to give {given}; its lookahead is {ahead} steps"
        )
    return given


def check_takes_short_streams(case: Case) -> None:
    """Require that streams of no step, of one, and of fewer than the lookahead raise nothing."""
    presume(case, check_runs_on_its_case)
    ahead = case.streamable.lookahead
    for total in sorted({0, 1, 2, max(1, ahead - 1), ahead, ahead + 1}):
        for sizes in ([1], [max(1, total)]):
            try:
                case.chunks(sizes, total)
            except Exception as error:
                problem = f"fails on a stream of {total} steps: {describe(error)}"
                raise AssertionError(f"{problem}; yield what such a stream gives, which may be nothing") from error


def check_takes_long_streams(case: Case) -> None:
    """Require that a stream of many chunks and a chunk of many steps raise nothing."""
    presume(case, check_runs_on_its_case)
    size = math.ceil(1 / case.streamable.hop)
    elements = max(1, math.prod(case.frames().shape[1:]))
    for chunk, total in ((size, MANY_CHUNKS * size), (10**9, max(97, min(LONG_STEPS, LONG_ELEMENTS // elements)))):
        total = len(case.frames(total))
        try:
            for _ in case.streamable.stream(cut(case.frames(total), [chunk], copy=True), case.own_utterance()):
                pass
        except Exception as error:
            problem = f"fails on a stream of {total} steps in chunks of {min(chunk, total)}: {describe(error)}"
            raise AssertionError(f"{problem}; keep no more than the context of a step, and use loops") from error


def check_takes_any_text(case: Case) -> None:
    """Require that an empty text, a single character, an unknown one and a long text raise nothing but VoxstackErrors.

    Not judged where the utterance has more than a text, to which the rest would not fit.
    """
    from voxstack.errors import VoxstackError

    presume(case, check_runs_on_its_case)
    texts = {"an empty text": "", "one space": " ", "one character": "a", "\\ue000 and \\u200b": "\ue000\u200b"}
    for name, text in {**texts, "a text of 1,000 characters": "The quick brown fox. " * 48}.items():
        try:
            utterance = case.own_utterance(text=text)
            if isinstance(case.block, StreamableBlock):
                joined(list(case.block.stream(iter(()), utterance)))
            else:
                call(case.block, utterance)
        except VoxstackError:
            continue
        except Exception as error:
            advice = "give what it is worth, or raise a VoxstackError that says what is wrong"
            raise AssertionError(f"fails on {name}: {describe(error)}; {advice}") from error


def check_skips_what_no_one_reads(case: Case) -> None:
    """Require that ``skip`` changes neither the number of steps nor any after those it counts."""
    presume(case, check_runs_on_its_case, check_is_deterministic)
    back, whole = case.streamable.lookback, case.run([16])
    if back is None:
        return
    for skip in sorted({0, 1, back + 1, len(whole) // 3, len(whole) // 2, len(whole), len(whole) + 9}):
        for sizes in ([7, 30], [10**6]):
            made = case.run(sizes, skip=skip)
            assert len(made) == len(whole), f"skip {skip} changes the number of steps: {len(made)} of {len(whole)}"
            reference = case.run(sizes)
            problem = describe_difference(made[skip:], reference[skip:], case.tolerance)
            assert not problem, f"the steps after skip {skip} are not the same: the output {problem}"
