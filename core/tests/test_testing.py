"""The contract kit: good blocks pass every clause, and each clause catches a block that breaks it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from voxstack import Schedule, SequenceBlock, StreamableBlock, StreamableStack, windows
from voxstack.testing import Case, checks, checks_for, parametrize_with_checks
from voxstack.testing.skip_check import check_skips_what_no_one_reads


@dataclass
class Half(StreamableBlock):
    """Halves the stream.

    :param factor: of what is left.
    """

    factor: float = 0.5

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield chunk * np.float32(self.factor)


@dataclass
class Blur(StreamableBlock):
    """Sums three steps of the past and two of the future."""

    lookahead = 2
    lookback = 3

    def stream(self, source: Any, utterance: Any) -> Any:
        for frames, skip, size, _ in windows(source, 3, 2):
            padded = np.pad(frames, [(3, 2)] + [(0, 0)] * (frames.ndim - 1))
            yield sum(padded[i : i + len(frames)] for i in range(6))[skip : skip + size]


@dataclass
class Twice(StreamableBlock):
    """Gives every step twice."""

    hop = 2.0
    lookback = 0

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield np.repeat(chunk, 2, axis=0)


@dataclass
class Count(StreamableBlock):
    """Starts a stream of numbers."""

    needs = frozenset({"total"})
    head = True

    def stream(self, source: Any, utterance: Any) -> Any:
        start = 0
        for size in utterance.get("schedule", Schedule()).sizes():
            if start >= utterance["total"]:
                return
            stop = min(utterance["total"], start + size)
            yield np.arange(start, stop, dtype=np.float32)
            start = stop


@dataclass
class Length(SequenceBlock):
    """Gives the length of the text."""

    needs = frozenset({"text"})
    gives = frozenset({"length"})

    def __call__(self, utterance: Any) -> Any:
        return {"length": len(utterance["text"]) * utterance.get("rate", 1)}


GOOD = [
    Half(),
    Half(0.25),
    Blur(),
    Twice(),
    StreamableStack([Blur(), Twice(), Half()]),
    Case(Count(), {"total": 50}),
    Case(Length(), {"text": "abc"}),
]


@parametrize_with_checks(GOOD)
def test_good_blocks_pass(case: Case, check: Any) -> None:
    check(case)


@dataclass
class Undescribed(Half):
    """Says nothing of its field."""

    loud: bool = False


@dataclass
class Forgetful(Half):
    """Loses its configuration.

    :param factor: forgotten.
    """

    factor: float = field(default=0.5, compare=True)

    def __post_init__(self) -> None:
        self.factor = self.factor / 2


@dataclass
class Unnamed(Half):
    """Reads what it does not name.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield chunk * utterance["volume"]


@dataclass
class Lean(Half):
    """Needs what its case does not have.

    :param factor: of what is left.
    """

    needs = frozenset({"volume"})


@dataclass
class Remembering(Half):
    """Keeps the last chunk on itself.

    :param factor: of what is left.
    """

    last: Any = field(default=None, init=False, compare=False)

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            self.last = chunk if self.last is None or len(self.last) != len(chunk) else self.last * 0.5 + chunk
            yield self.last


@dataclass
class Hiding(Half):
    """Keeps what went by in a list.

    :param factor: of what is left.
    """

    seen: list[int] = field(default_factory=list, init=False, compare=False)

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            self.seen.append(len(chunk))
            yield chunk


@dataclass
class Sly(Half):
    """Asks for the names before it reads.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        level = utterance["volume"] if "volume" in utterance.keys() else 1  # noqa: SIM118
        for chunk in source:
            yield chunk * level


@dataclass
class Overgenerous(Length):
    """Gives more than it says."""

    def __call__(self, utterance: Any) -> Any:
        return {"length": 1, "width": 2}


@dataclass
class Random(Length):
    """Gives something else each time."""

    def __call__(self, utterance: Any) -> Any:
        return {"length": np.random.default_rng().standard_normal(3)}


@dataclass
class Scribbling(Length):
    """Writes into its utterance."""

    def __call__(self, utterance: Any) -> Any:
        utterance["durations"][:] = 0
        return {"length": 0}


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
class ChunkMean(Half):
    """Depends on the chunks.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield chunk - chunk.mean(axis=0)


@dataclass
class Losing(Blur):
    """Loses its end."""

    def stream(self, source: Any, utterance: Any) -> Any:
        for frames, skip, size, _ in windows(source, 0, 0):
            if size > 1:
                yield frames[skip : skip + size]


@dataclass
class ChunkHead(Count):
    """Depends on the schedule."""

    def stream(self, source: Any, utterance: Any) -> Any:
        for size, _ in zip(utterance.get("schedule", Schedule()).sizes(), range(3), strict=False):
            yield np.zeros(size, np.float32)


@dataclass
class Hoarding(Half):
    """Reads all before it gives anything.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        chunks = list(source)
        yield from chunks


@dataclass
class Understated(Blur):
    """Waits for more than it says."""

    lookahead = 1


@dataclass
class Shortsighted(Blur):
    """Depends on more than it says."""

    lookback = 2


@dataclass
class Eager(Half):
    """Yields too few of the steps that no one reads.

    :param factor: of what is left.
    """

    lookback = 0

    def stream(self, source: Any, utterance: Any) -> Any:
        yield from super().stream(source, utterance) if not utterance.get("skip") else ()


@dataclass
class Overlong(Half):
    """Gives more steps than its hop says.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield np.repeat(chunk, 2, axis=0)


@dataclass
class Stubborn(Half):
    """Goes on when it is closed.

    :param factor: of what is left.
    """

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            try:
                yield chunk
            except GeneratorExit:
                yield chunk


BAD = {
    checks.check_is_described: (Undescribed(), "say what these fields mean.*loud"),
    checks.check_survives_a_round_trip_through_json: (Forgetful(), "built from its own JSON, the block differs"),
    checks.check_names_all_it_needs: (
        Case(Unnamed(), {"volume": 1}),
        r"reads \['volume'\] from the utterance without naming",
    ),
    checks.check_keeps_nothing_of_an_utterance: (Remembering(), r"changed its attributes \['last'\]"),
    checks.check_gives_what_it_says: (
        Case(Overgenerous(), {"text": ""}),
        r"returned \['length', 'width'\], but 'gives' says \['length'\]",
    ),
    checks.check_leaves_the_utterance_alone: (
        Case(Scribbling(), {"durations": np.ones(2)}),
        "wrote into what it was handed",
    ),
    checks.check_leaves_its_source_alone: (InPlace(), "wrote into a chunk"),
    checks.check_ignores_how_the_source_is_cut: (ChunkMean(), "differs from the uncut output"),
    checks.check_ignores_the_schedule: (Case(ChunkHead(), {"total": 50}), "steps came out"),
    checks.check_waits_for_no_more_than_its_lookahead: (Hoarding(), "read 6 chunks of 1 steps to give 1"),
    check_skips_what_no_one_reads: (Shortsighted(), "the steps after skip 3 differ by"),
    checks.check_keeps_its_hop: (Overlong(), "made 32 steps of 16"),
    checks.check_keeps_streams_apart: (Remembering(), "disturbed each other"),
    checks.check_can_be_left_at_any_time: (Stubborn(), "ignored GeneratorExit"),
}
MORE = [
    (checks.check_keeps_nothing_of_an_utterance, Hiding(), r"changed its attributes \['seen'\]"),
    (checks.check_keeps_nothing_of_an_utterance, StreamableStack([Half(), Hiding()]), r"\['stack\[1\].seen'\]"),
    (checks.check_names_all_it_needs, Case(Sly(), {"text": "", "volume": 1}), r"reads \['volume'\] from the utterance"),
    (checks.check_names_all_it_needs, Lean(), r"the case gives no \['volume'\]"),
    (checks.check_gives_what_it_says, Case(Random(), {"text": ""}), "differs from one run to the next"),
    (checks.check_ignores_how_the_source_is_cut, Losing(), "cut into .* the shape changed|steps came out"),
    (checks.check_waits_for_no_more_than_its_lookahead, Understated(), "its lookahead is 1"),
    (check_skips_what_no_one_reads, Eager(), "skip 1 changes the number of steps: 0 of 97"),
]


@pytest.mark.parametrize(("check", "bad", "problem"), [(check, *row) for check, row in BAD.items()] + MORE)
def test_each_clause_catches_a_block_that_breaks_it(check: Any, bad: Any, problem: str) -> None:
    case = bad if isinstance(bad, Case) else Case(bad)
    with pytest.raises((AssertionError, RuntimeError), match=problem):
        check(case)


def test_unknown_fields_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter refuses them for every block, so an interpreter that does not is what the clause is shown."""
    monkeypatch.setattr(checks, "build", lambda *args, **kwargs: None)
    with pytest.raises(AssertionError, match="an unknown key in the JSON was taken"):
        checks.check_refuses_unknown_fields(Case(Half()))


def test_every_clause_has_a_bad_block() -> None:
    clauses = {check for block in (Half(), Count(), Length()) for check in checks_for(block)}
    assert clauses - BAD.keys() == {checks.check_refuses_unknown_fields}
