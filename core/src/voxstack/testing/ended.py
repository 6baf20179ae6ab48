"""Clauses on how streams end: closed half way, by an error, and a thousand times over."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from voxstack.blocks import Frames, StreamableBlock
from voxstack.errors import describe
from voxstack.streaming.timeline import Timeline
from voxstack.testing.cases import Case, call, joined, last_of
from voxstack.testing.feeding import Source, cut
from voxstack.testing.growth import growth_problem
from voxstack.testing.judging import presume
from voxstack.testing.running import check_runs_on_its_case


class SourceError(Exception):
    """The error that a source raises on purpose."""


def check_can_be_left_at_any_time(case: Case) -> None:
    """Require that a stream closed early closes its source, and raises nothing."""
    presume(case, check_runs_on_its_case)
    for count in (0, 1, 3):
        source = Source(case.frames(), [16])
        stream = case.streamable.stream(source.stream(), case.own_utterance())
        last_of(stream, count)
        try:
            stream.close()  # type: ignore[attr-defined]
        except Exception as error:
            problem = f"raises an error when it is closed after {count} chunks: {describe(error)}"
            raise AssertionError(f"{problem}; let GeneratorExit pass, and yield nothing in a finally") from error
        del stream
        assert source.closed or not source.pulled, "holds its source after the stream was closed; keep it in locals"


def check_passes_errors_on(case: Case) -> None:
    """Require that an error of the source, or of the utterance, reaches the caller, itself or as a cause.

    The source is closed then, and the next stream is not affected.
    """
    presume(case, check_runs_on_its_case)
    block, error = case.block, SourceError("raised on purpose")
    if isinstance(block, StreamableBlock) and not block.head:
        source = Source(case.frames(), [16], error)
        _require_error(lambda: joined(list(block.stream(source.stream(), case.own_utterance()))), error, "its source")
        error.__traceback__ = None
        assert source.closed, "holds its source after that failed"
    for name in sorted(block.needs):
        failing = _Failing(case.own_utterance(), name, error := SourceError(name))
        _require_error(lambda utterance=failing: case.exercise(utterance), error, f"the entry {name!r}", failing)  # type: ignore[misc]
    try:
        case.exercise()
    except Exception as after:
        raise AssertionError(f"fails after another stream had an error: {describe(after)}") from after


def check_reports_events_in_range(case: Case) -> None:
    """Require that events which the block reports lie within its output, and their spans within the text."""
    presume(case, check_runs_on_its_case)
    timeline = Timeline(1.0)  # seconds are steps
    made = len(case.run([16], timeline=timeline))
    text = case.utterance.get("text")
    first = int(case.utterance.get("text_start", 0))
    for event in timeline.take(float("inf")):
        end = event.start + event.duration
        where = f"the {event.kind} {event.text!r} from step {event.start:g} to {end:g}"
        inside = 0 <= event.start <= end <= made + 1
        assert inside, f"{where} is outside of the {made} steps"
        if event.span is not None and isinstance(text, str):
            start, stop = event.span
            inside = first <= start <= stop <= first + len(text)
            assert inside, f"{where} has the span {event.span}, outside of the text of {len(text)} characters"


def check_does_not_grow(case: Case) -> None:
    """Require that a thousand streams, half of them left early, leave no memory, thread, handle or generator behind.

    Slow blocks run fewer: as many as half a second allows, and 15 at least.
    """
    presume(case, check_runs_on_its_case)
    problem = growth_problem(_short_stream(case), case.streams)
    assert not problem, f"every stream leaves {problem}"


def _short_stream(case: Case) -> Callable[[int], None]:
    """Return a function that runs one short stream, every other one only until its first chunk."""
    block, utterance = case.block, case.own_utterance()
    if not isinstance(block, StreamableBlock):
        return lambda index: (call(block, utterance), None)[1]
    size = max(1, round(1 / block.hop))
    frames = case.frames(block.lookahead + 4 * size)

    def run(index: int) -> None:
        stream: Frames = block.stream(cut(frames, [block.lookahead + size, size], copy=True), utterance)
        last_of(stream, 1 if index % 2 else 10**9)
        with contextlib.suppress(Exception):  # another clause reports streams that cannot be closed
            stream.close()  # type: ignore[attr-defined]

    return run


class _Failing(Mapping[str, Any]):
    """An utterance whose entry of one name raises an error; ``raised`` is whether it was read."""

    def __init__(self, utterance: Mapping[str, Any], name: str, error: BaseException) -> None:
        self._utterance, self._name, self._error = utterance, name, error
        self.raised = False

    def __getitem__(self, name: str) -> Any:
        if name == self._name:
            self.raised = True
            raise self._error
        return self._utterance[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._utterance)

    def __len__(self) -> int:
        return len(self._utterance)


def _require_error(run: Callable[[], object], error: BaseException, of: str, failing: _Failing | None = None) -> None:
    try:
        run()
    except Exception as raised:
        found: BaseException | None = raised
        while found is not None and found is not error:
            found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
        if found is None:
            problem = f"turns an error of {of} into {describe(raised)}, without its cause"
            raise AssertionError(f"{problem}; write 'raise ... from error'") from raised
        return
    if failing is None or failing.raised:
        raise AssertionError(f"swallows an error of {of}; let it pass, or raise another one from it")
