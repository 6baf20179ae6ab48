"""Clauses of the contract: functions that raise AssertionError with what is wrong and what to do."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from voxstack.blocks import Block, Frames, SequenceBlock, StreamableBlock, children
from voxstack.errors import StackError
from voxstack.hookspecs import hookimpl
from voxstack.registry import Registry
from voxstack.schema import block_schema
from voxstack.stack import build
from voxstack.streaming.schedule import Schedule
from voxstack.testing.cases import Case, Recorder, cut, frozen, frozen_utterance, schedules
from voxstack.utterance import REQUEST, Utterance

OPTIONAL = frozenset(REQUEST) - {"text"}
"""Names that a block may read without listing them in ``needs``, as every request sets them."""


def check_is_described(case: Case) -> None:
    """Require a docstring, and a ``:param:`` line for every field: they are the block's JSON Schema."""
    schema = block_schema(type(case.block))
    assert schema["description"], "a block needs a docstring: it becomes the description in the schema"
    silent = [name for name, entry in schema["properties"].items() if "description" not in entry and name != "type"]
    assert not silent, f"say what these fields mean with ':param name:' lines in the docstring: {silent}"


def check_survives_a_round_trip_through_json(case: Case) -> None:
    """Require that the block, written as JSON and built again, is equal: its fields are its configuration."""
    block, registry = case.block, _registry(case.block)
    again = build(_as_json(block), registry=registry)
    assert again == block, f"built from its own JSON, the block differs: {again!r} is not {block!r}"


def check_refuses_unknown_fields(case: Case) -> None:
    """Require an error that names a key which is not a field."""
    try:
        build({**_as_json(case.block), "no_such_field": 1}, registry=_registry(case.block))
    except StackError as error:
        assert "no_such_field" in str(error), f"the error does not name the unknown key: {error}"
        return
    raise AssertionError("an unknown key in the JSON was taken without a word")


def check_names_all_it_needs(case: Case) -> None:
    """Require that ``needs`` lists the names that the block reads with ``[...]``."""
    reads = Recorder(case.utterance)
    _exercise(case, reads)
    extra = reads.required - case.block.needs - OPTIONAL
    assert not extra, f"reads {sorted(extra)} from the utterance without naming them in 'needs'"
    absent = case.block.needs - case.utterance.keys()
    assert not absent, f"the case gives no {sorted(absent)}, which the block needs; add them to Case(utterance=...)"


def check_keeps_nothing_of_an_utterance(case: Case) -> None:
    """Require that nothing on the block changes while it runs: state belongs in the generator."""
    before = _state(case.block)
    _exercise(case, case.utterance)
    changed = [name for name, value in _state(case.block).items() if name not in before or before[name] != value]
    assert not changed, (
        f"running the block changed its attributes {changed}; keep what belongs to an utterance in local variables"
    )


def check_gives_what_it_says(case: Case) -> None:
    """Require that a sequence block returns exactly the names in ``gives``, and the same values each time."""
    assert isinstance(case.block, SequenceBlock)
    made, again = (case.block(frozen_utterance(case.utterance)) for _ in range(2))
    assert set(made) == set(case.block.gives), f"returned {sorted(made)}, but 'gives' says {sorted(case.block.gives)}"
    for name, value in made.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(again[name], value, f"{name!r} differs from one run to the next")


def check_leaves_the_utterance_alone(case: Case) -> None:
    """Require that a sequence block writes neither into the utterance nor into its arrays (here read-only)."""
    assert isinstance(case.block, SequenceBlock)
    try:
        case.block(frozen_utterance(case.utterance))
    except (ValueError, TypeError) as error:
        if "read-only" in str(error) or "mappingproxy" in str(error):
            raise AssertionError(f"wrote into what it was handed: {error}") from error
        raise


def check_leaves_its_source_alone(case: Case) -> None:
    """Require that a streamable block never writes into a received chunk (here read-only)."""
    try:
        case.run([16])
    except ValueError as error:
        if "read-only" in str(error):
            raise AssertionError(f"wrote into a chunk that it was handed: {error}") from error
        raise


def check_ignores_how_the_source_is_cut(case: Case) -> None:
    """Require that joined chunks equal the uncut output, for every schedule and for short streams."""
    assert isinstance(case.block, StreamableBlock)
    context = case.block.lookahead
    for total in sorted({0, 1, 2, max(1, context - 1), context, context + 1, 16, 97, len(case.frames())}):
        whole = case.run([max(1, total)], total)
        for sizes in schedules(total):
            _same(case.run(sizes, total), whole, case.tolerance, f"{total} steps cut into {sizes[:6]}...")


def check_ignores_the_schedule(case: Case) -> None:
    """Require that the joined output of a head is the same, whatever chunk sizes the schedule requests."""
    whole = case.run([1], schedule=Schedule(first=10**6, largest=10**6))
    for schedule in (Schedule(first=1, growth=1.0), Schedule(first=7, growth=1.3, lookahead=5), Schedule()):
        _same(case.run([1], schedule=schedule), whole, case.tolerance, str(schedule))


def check_waits_for_no_more_than_its_lookahead(case: Case) -> None:
    """Require output after ``lookahead`` + 1 steps, and later at most one chunk read ahead."""
    assert isinstance(case.block, StreamableBlock)
    size = case.block.lookahead + math.ceil(1 / case.block.hop)
    pulled = 0

    def source() -> Frames:
        nonlocal pulled
        for chunk in cut(case.frames(size * 6), [size]):
            pulled += 1
            yield chunk

    given = 0
    for given, chunk in enumerate(case.block.stream(source(), frozen_utterance(case.utterance)), 1):
        assert len(chunk), "gave an empty chunk; give nothing instead"
        allowed = given + (given > 1)
        assert pulled <= allowed, (
            f"read {pulled} chunks of {size} steps to give {given}; its lookahead is {case.block.lookahead}"
        )
    assert given, f"gave nothing for {size * 6} steps"


def check_keeps_its_hop(case: Case) -> None:
    """Require ``hop`` output steps for each step of the source, but for those that the case says to be fewer."""
    assert isinstance(case.block, StreamableBlock)
    for total in (16, 97):
        made, expected = len(case.run([total], total)), total * case.block.hop - case.fewer
        assert abs(made - expected) <= max(1.0, case.block.hop), (
            f"made {made} steps of {total}; hop {case.block.hop} says {expected}"
        )


def check_keeps_streams_apart(case: Case) -> None:
    """Require that two concurrent streams of one block do not disturb each other."""
    assert isinstance(case.block, StreamableBlock)
    utterance = frozen_utterance({**case.utterance, "schedule": Schedule(first=5, growth=1.0)})
    alone = list(case.block.stream(cut(case.frames(), [8]), utterance))
    other = case.block.stream(cut(frozen(case.frames()[::-1] * np.float32(0.5)), [11]), utterance)
    for expected, chunk in zip(alone, case.block.stream(cut(case.frames(), [8]), utterance), strict=True):
        next(other, None)
        np.testing.assert_array_equal(chunk, expected, "two streams of one block disturbed each other")


def check_can_be_left_at_any_time(case: Case) -> None:
    """Require that a stream closed early closes its source, and raises nothing."""
    assert isinstance(case.block, StreamableBlock)
    closed = False

    def source() -> Frames:
        nonlocal closed
        try:
            yield from cut(case.frames(), [16])
        finally:
            closed = True

    feed = source()
    stream = case.block.stream(feed, frozen_utterance(case.utterance))
    next(stream, None)
    stream.close()  # type: ignore[attr-defined]
    del stream, feed
    assert closed or case.block.head, "the source is still held after the stream was closed"


def _same(made: np.ndarray, whole: np.ndarray, tolerance: float, what: str) -> None:
    assert made.shape[1:] == whole.shape[1:] or not len(whole), (
        f"{what}: the shape changed from {whole.shape} to {made.shape}"
    )
    assert len(made) == len(whole), f"{what}: {len(made)} steps came out, {len(whole)} when uncut"
    if len(whole):
        error, allowed = float(np.abs(made - whole).max()), tolerance * float(np.abs(whole).max())
        assert error <= allowed, f"{what}: differs from the uncut output by {error:.3g}, allowed is {allowed:.3g}"


def _exercise(case: Case, utterance: Utterance) -> None:
    if isinstance(case.block, SequenceBlock):
        case.block(utterance)
    elif isinstance(case.block, StreamableBlock):
        for _ in case.block.stream(cut(case.frames(), [16]), utterance):
            pass


def _state(block: Block) -> dict[str, Any]:
    """Return the attributes of a block and its children, to compare: arrays and containers by value, others by id."""
    return {
        f"{path}.{name}".lstrip("."): _held(value) for path, b in _placed(block, "") for name, value in vars(b).items()
    }


def _held(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, list | tuple | set | frozenset):
        return type(value), [_held(item) for item in value]
    if isinstance(value, dict):
        return [(key, _held(item)) for key, item in value.items()]
    return id(value)


def _placed(block: Block, path: str) -> Iterator[tuple[str, Block]]:
    yield path, block
    for child_path, child in children(block, path):
        yield from _placed(child, child_path)


def _registry(block: Block) -> Registry:
    classes = {type(b) for _, b in _placed(block, "") if not type(b).__module__.startswith("voxstack.")}
    plugin = type("plugin", (), {"voxstack_blocks": staticmethod(_hook(list(classes)))})
    return Registry({"under test": plugin})


def _hook(classes: list[type[Block]]) -> Callable[[], list[type[Block]]]:
    def voxstack_blocks() -> list[type[Block]]:
        return classes

    hooked: Callable[[], list[type[Block]]] = hookimpl(voxstack_blocks)
    return hooked


def _as_json(value: Any) -> Any:
    if isinstance(value, Block):
        assert dataclasses.is_dataclass(value), (
            f"{type(value).__name__} must be a dataclass: its fields are its configuration"
        )
        fields = [f for f in dataclasses.fields(value) if f.init]
        return {"type": type(value).__name__, **{f.name: _as_json(getattr(value, f.name)) for f in fields}}
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    return value
