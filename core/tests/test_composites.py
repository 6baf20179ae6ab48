from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from voxstack import (
    Schedule,
    SequenceBlock,
    SequenceBlockContainer,
    StackError,
    StreamableBlock,
    StreamablePipeline,
    StreamableStack,
)


@dataclass
class Make(SequenceBlock):
    """Gives names from names.

    :param gives_: what it gives.
    :param needs_: what it needs.
    """

    gives_: list[str]
    needs_: list[str]

    @property
    def needs(self) -> frozenset[str]:
        return frozenset(self.needs_)

    @property
    def gives(self) -> frozenset[str]:
        return frozenset(self.gives_)

    def __call__(self, utterance: Any) -> Any:
        return {name: f"{name}({','.join(str(utterance[n]) for n in self.needs_)})" for name in self.gives_}


@dataclass
class Ahead(StreamableBlock):
    """Waits and changes the rate.

    :param wait: steps.
    :param rate: steps out for each in.
    """

    wait: int
    rate: float = 1.0
    asked: Any = None

    @property
    def lookahead(self) -> int:
        return self.wait

    @property
    def hop(self) -> float:
        return self.rate

    def stream(self, source: Any, utterance: Any) -> Any:
        self.asked = utterance["schedule"].lookahead
        yield from source


def test_blocks_run_in_the_order_of_their_needs() -> None:
    container = SequenceBlockContainer([Make(["c"], ["a", "b"]), Make(["b"], ["a"]), Make(["a"], ["text"])])
    assert container({"text": "x"})["c"] == "c(a(x),b(a(x)))"
    assert container.needs == {"text"}
    assert container.gives == {"a", "b", "c"}


def test_blocks_that_change_a_name_run_in_the_order_of_the_list_before_those_that_read_it() -> None:
    container = SequenceBlockContainer(
        [Make(["end"], ["d"]), Make(["d", "one"], ["d"]), Make(["d", "two"], ["d"]), Make(["d"], ["text"])]
    )
    assert container({"text": "x"})["end"] == "end(d(d(d(x))))"
    assert container({"text": "x"})["two"] == "two(d(d(x)))"


@pytest.mark.parametrize(
    ("blocks", "problem"),
    [
        (
            [Make(["a"], ["b"]), Make(["b"], ["a"])],
            r"these need each other: blocks\[\d\] \(Make\) -> blocks\[\d\] \(Make\)",
        ),
        ([Make(["a"], []), Make(["a"], [])], r"both blocks\[0\] \(Make\) and blocks\[1\] \(Make\) give 'a'"),
    ],
)
def test_blocks_that_have_no_order_are_named(blocks: list[SequenceBlock], problem: str) -> None:
    with pytest.raises(StackError, match=problem):
        SequenceBlockContainer(blocks)({})


def test_lookahead_adds_up_in_steps_of_the_head() -> None:
    vocoder = StreamableStack([Ahead(2, 200.0), Ahead(100)])  # 100 samples are one frame more
    stack = StreamableStack([Ahead(0), Ahead(18), vocoder])
    assert stack.lookahead == 0 + 18 + 2 + 1
    assert stack.hop == 200
    list(stack.stream(iter([np.zeros(1)]), {"schedule": Schedule(lookahead=401)}))
    assert [block.asked for block in stack.stack[:2]] == [18 + 3 + 3, 3 + 3]  # each stack rounds up to whole frames
    assert [block.asked for block in vocoder.stack] == [100 + 401, 401]


def test_a_pipeline_draws_on_what_its_sequence_block_made() -> None:
    @dataclass
    class Say(StreamableBlock):
        """Says a name."""

        needs = frozenset({"a", "b"})
        head = True

        def stream(self, source: Any, utterance: Any) -> Any:
            yield np.array([len(utterance["a"])])

    pipeline = StreamablePipeline(Make(["a"], ["text"]), Say())
    assert pipeline.needs == {"text", "b"}
    assert pipeline.head
    assert [chunk.tolist() for chunk in pipeline.stream(iter(()), {"text": "xy"})] == [[5]]


def test_closing_a_stack_closes_its_source() -> None:
    closed = []

    def source() -> Any:
        try:
            while True:
                yield np.zeros(1)
        finally:
            closed.append(True)

    stream = StreamableStack([Ahead(0), Ahead(0)]).stream(source(), {})
    next(stream)
    stream.close()
    del stream
    assert closed == [True]


@dataclass
class Sized(StreamableBlock):
    """Takes certain sizes only.

    :param sizes: these.
    :param rate: steps out for each in.
    :param most: of the entry ``tokens``.
    """

    sizes: list[int]
    rate: float = 1.0
    most: int = 0
    asked: Any = None

    @property
    def hop(self) -> float:
        return self.rate

    @property
    def chunk_sizes(self) -> tuple[int, ...]:
        return tuple(self.sizes)

    @property
    def limits(self) -> Any:
        return {"tokens": self.most} if self.most else {}

    def stream(self, source: Any, utterance: Any) -> Any:
        self.asked = utterance["schedule"].allowed
        yield from source


def test_chunks_fit_the_sizes_of_all_blocks_behind() -> None:
    head, last = Sized([]), Sized([])
    stack = StreamableStack([head, Sized([60, 220]), Sized([], 2.0), Sized([108, 500]), last])
    assert stack.chunk_sizes == (54, 220)
    list(stack.stream(iter(()), {"schedule": Schedule()}))
    assert (head.asked, last.asked) == ((54, 220), ())
    assert StreamableStack([Sized([]), Sized([])]).chunk_sizes == ()
    assert StreamableStack([Sized([10, 20]), Sized([15])]).chunk_sizes == (10,)


def test_limits_of_blocks_are_those_of_their_children() -> None:
    stack = StreamableStack([Sized([], most=40), StreamableStack([Sized([], most=20), Sized([])])])
    assert stack.limits == {"tokens": 20}
    assert StreamablePipeline(Make([], []), stack).limits == {"tokens": 20}
    assert StreamablePipeline(Make([], []), Sized([])).limits == {}
