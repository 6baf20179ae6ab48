"""One block for each clause of the contract, which breaks it and no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from good_blocks import Blur, Count, Half, Length

from voxstack import Schedule
from voxstack.testing import Case, checks

SHARED: dict[str, Any] = {}
LOCAL = threading.local()
SCRATCH = np.zeros((4096, 5), np.float32)


@dataclass
class Undescribed(Half):
    """Halves the stream.

    :param factor: of what is left.
    """

    loud: bool = False


@dataclass
class Unlimited(Half):
    """Limits its field by a keyword that does not exist.

    :param factor: of what is left.
    """

    factor: float = field(default=0.5, metadata={"min": 0})


@dataclass
class Forgetful(Half):
    """Loses its configuration.

    :param factor: forgotten.
    """

    def __post_init__(self) -> None:
        self.factor = self.factor / 2


@dataclass
class Broken(Half):
    """Fails.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        yield from (chunk + np.zeros(3) for chunk in source)


@dataclass
class Widening(Half):
    """Computes in float64.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield chunk * np.float64(self.factor)


@dataclass
class Dithering(Half):
    """Adds noise that no seed determines.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        random = np.random.default_rng()
        for chunk in source:
            yield chunk + random.standard_normal(chunk.shape).astype(chunk.dtype)


@dataclass
class Unnamed(Half):
    """Reads what it does not name.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield chunk * np.float32(utterance["volume"])


@dataclass
class Demanding(Half):
    """Names what it does not read.

    :param factor: of what is left.
    """

    needs = frozenset({"volume"})


@dataclass
class Scribbling(Half):
    """Writes into an array of the utterance.

    :param factor: of what is left.
    """

    needs = frozenset({"volumes"})

    def stream(self, source: Any, utterance: Any) -> Any:
        volumes = utterance["volumes"]
        np.tanh(volumes, out=volumes)
        yield from super().stream(source, utterance)


@dataclass
class Remembering(Half):
    """Keeps the length of the last chunk on itself.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            self.last = len(chunk)
            yield chunk


@dataclass
class Sharing(Half):
    """Computes in an array that all streams use.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            scratch = SCRATCH[: len(chunk)] if len(chunk) < len(SCRATCH) else np.zeros_like(chunk)
            scratch[:] = chunk
            time.sleep(0)  # as large operations of numpy, it lets other threads run
            yield scratch + scratch


@dataclass
class Swallowing(Half):
    """Ends its stream where the source fails.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        try:
            yield from super().stream(source, utterance)
        except Exception:
            return


@dataclass
class Growing(Half):
    """Keeps the first chunk of every stream.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            SHARED.setdefault("chunks", []).append(chunk.copy())
            yield chunk


@dataclass
class Misnamed(Half):
    """Yields columns, and says that they are samples.

    :param factor: of what is left.
    """

    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield chunk[:, None]


@dataclass
class Reusing(Half):
    """Yields the same memory again and again.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        buffer = np.zeros(0)
        for chunk in source:
            if buffer.shape != chunk.shape:
                buffer = chunk.copy()
            buffer[:] = chunk
            yield buffer


@dataclass
class Hollow(Half):
    """Yields an empty chunk after each one.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield chunk
            yield chunk[:0]


@dataclass
class Mixing(Half):
    """Keeps the last step of whichever stream was pulled last.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        SHARED["last"] = None
        for chunk in source:
            before = np.zeros_like(chunk[:1]) if SHARED["last"] is None else SHARED["last"]
            SHARED["last"] = chunk[-1:]
            yield np.diff(np.concatenate([before, chunk]), axis=0)


@dataclass
class Settled(Half):
    """Keeps the last step of each stream with the thread that pulls it.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        stream = object()
        try:
            for chunk in source:
                steps = vars(LOCAL).setdefault("last", {})
                before = steps.get(stream, np.zeros_like(chunk[:1]))
                steps[stream] = chunk[-1:]
                yield np.diff(np.concatenate([before, chunk]), axis=0)
        finally:
            vars(LOCAL).get("last", {}).pop(stream, None)


@dataclass
class Stubborn(Half):
    """Fails when it is closed.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            try:
                yield chunk
            except GeneratorExit:
                raise ValueError("not yet") from None


@dataclass
class Eager(Half):
    """Yields none of the steps that no one reads.

    :param factor: of what is left.
    """

    lookback = 0

    def stream(self, source: Any, utterance: Any) -> Any:
        skip = utterance.get("skip", 0)
        for chunk in source:
            if kept := len(chunk[skip:]):
                yield chunk[skip:]
            skip = max(0, skip - len(chunk)) if not kept else 0


@dataclass
class Late(Half):
    """Reports an event after its end.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        if timeline := utterance.get("timeline"):
            timeline.add("word", "late", 90, 40)
        yield from super().stream(source, utterance)


@dataclass
class InPlace(Half):
    """Writes into its source.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            chunk *= np.float32(0.5)
            yield chunk


@dataclass
class Overlong(Half):
    """Gives more steps than its hop says.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield np.repeat(chunk, 2, axis=0)


@dataclass
class Understated(Blur):
    """Depends on more of the future than it says."""

    lookahead = 1


@dataclass
class Shortsighted(Blur):
    """Depends on more of the past than it says."""

    lookback = 2


@dataclass
class Hoarding(Half):
    """Reads all before it gives anything.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        yield from list(source)


@dataclass
class ChunkMean(Half):
    """Depends on the chunks.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield chunk - chunk.mean(axis=0)


@dataclass
class Expecting(Half):
    """Expects a first chunk.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        yield next(source) * np.float32(self.factor)
        yield from super().stream(source, utterance)


@dataclass
class Nesting(Half):
    """Calls itself for the next chunk.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        if (chunk := next(source, None)) is not None:
            yield chunk
            yield from self.stream(source, utterance)


@dataclass
class ChunkHead(Count):
    """Yields three chunks, whatever their sizes."""

    def stream(self, source: Any, utterance: Any) -> Any:
        total = np.float32(utterance["total"])
        for size, _ in zip(utterance.get("schedule", Schedule()).sizes(), range(3), strict=False):
            yield np.full(size, total)


@dataclass
class Overgenerous(Length):
    """Gives more than it says."""

    def __call__(self, utterance: Any) -> Any:
        return {"length": len(utterance["text"]), "width": 2}


@dataclass
class Initial(Length):
    """Reads the first letter of a text, which may have none."""

    def __call__(self, utterance: Any) -> Any:
        return {"length": ord(utterance["text"][0])}


BAD: dict[Callable[[Case], None], tuple[Any, str]] = {
    checks.check_is_described: (Undescribed(), r"say what these fields mean .*\['loud'\]"),
    checks.check_enforces_its_limits: (Unlimited(), r"the limits \['min'\] of the field 'factor' are no keywords"),
    checks.check_survives_a_round_trip_through_json: (Forgetful(), "built from its own JSON, the block differs"),
    checks.check_runs_on_its_case: (Broken(), "fails on the input of its case: ValueError: operands could not"),
    checks.check_is_deterministic: (Dithering(), "gives something else when it runs again on the same input"),
    checks.check_names_all_it_needs: (Case(Unnamed(), {"volume": 1}), r"reads \['volume'\] .* without naming them"),
    checks.check_needs_only_what_it_reads: (Case(Demanding(), {"volume": 1}), r"names \['volume'\] in 'needs' and"),
    checks.check_leaves_the_utterance_alone: (
        Case(Scribbling(), {"volumes": np.zeros(2)}), "writes into the utterance that it was handed",
    ),
    checks.check_keeps_nothing_of_an_utterance: (Remembering(), r"changed its attributes \['last'\]"),
    checks.check_runs_on_many_threads: (Sharing(), "runs on four threads at once give something else"),
    checks.check_passes_errors_on: (Swallowing(), "swallows an error of its source"),
    checks.check_does_not_grow: (Growing(), "every stream leaves .* objects behind"),
    checks.check_makes_what_it_says: (Misnamed(), r"makes 'samples', of 1 axes, but its chunks have the shape"),
    checks.check_keeps_to_single_precision: (Widening(), "its chunks are float64, which no network reads"),
    checks.check_leaves_what_it_gave_alone: (Reusing(), "changed after they were yielded"),
    checks.check_gives_no_empty_chunk: (Hollow(), "yields empty chunks"),
    checks.check_keeps_streams_apart: (Mixing(), "two streams that take turns disturb each other"),
    checks.check_moves_between_threads: (Settled(), "when threads take turns at the stream"),
    checks.check_can_be_left_at_any_time: (Stubborn(), "raises an error when it is closed after 1 chunks: ValueError"),
    checks.check_skips_what_no_one_reads: (Eager(), "skip 1 changes the number of steps: 96 of 97"),
    checks.check_reports_events_in_range: (Late(), "the word 'late' from step 90 to 130 is outside of the 97 steps"),
    checks.check_leaves_its_source_alone: (InPlace(), "writes into a chunk that it was handed"),
    checks.check_keeps_its_hop: (Overlong(), "made 32 steps of 16; hop 1.0 says 16"),
    checks.check_keeps_its_lookahead: (Understated(), "depends on more than the 1 steps of its lookahead"),
    checks.check_keeps_its_lookback: (Shortsighted(), "depends on more than the 2 steps of its lookback"),
    checks.check_waits_for_no_more_than_its_lookahead: (Hoarding(), "reads 6 chunks of 16 steps to give 1"),
    checks.check_ignores_how_the_source_is_cut: (ChunkMean(), "the output differs by .*, compared to the uncut one"),
    checks.check_takes_short_streams: (Expecting(), "fails on a stream of 0 steps: RuntimeError"),
    checks.check_takes_long_streams: (Nesting(), "fails on a stream of 1200 steps in chunks of 1: RecursionError"),
    checks.check_ignores_the_schedule: (Case(ChunkHead(), {"total": 50}), "the output gives .* steps instead of"),
    checks.check_gives_what_it_says: (
        Case(Overgenerous(), {"text": ""}), r"returned \['length', 'width'\], but 'gives' says \['length'\]",
    ),
    checks.check_takes_any_text: (Case(Initial(), {"text": "abc"}), "fails on an empty text: IndexError"),
}  # fmt: skip
"""The bad block of each clause, and what the clause reports."""
