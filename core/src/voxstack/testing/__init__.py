"""The contract of blocks, as checks that block authors run on their own.

.. code-block:: python

    from voxstack.testing import Case, parametrize_with_checks


    @parametrize_with_checks([Gain(db=-6.0), Case(Pace(rate=2.0), utterance={"durations": np.array([3.0, 4.0])})])
    def test_contract(case, check):
        check(case)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from voxstack.blocks import Block, SequenceBlock, StreamableBlock
from voxstack.testing import checks
from voxstack.testing.cases import Case
from voxstack.testing.skip_check import check_skips_what_no_one_reads

if TYPE_CHECKING:
    import pytest

__all__ = ["Case", "Check", "checks_for", "parametrize_with_checks"]

Check = Callable[[Case], None]


def parametrize_with_checks(cases: Iterable[Case | Block]) -> pytest.MarkDecorator:
    """Parametrize a test of ``case`` and ``check`` over each block and each clause of the contract."""
    import pytest

    full = [case if isinstance(case, Case) else Case(case) for case in cases]
    pairs = [(case, check) for case in full for check in checks_for(case.block)]
    ids = [f"{type(case.block).__name__}-{check.__name__.removeprefix('check_')}" for case, check in pairs]
    return pytest.mark.parametrize("case, check", pairs, ids=ids)


def checks_for(block: Block) -> Iterator[Check]:
    """Yield the clauses that apply to a block."""
    yield checks.check_is_described
    yield checks.check_survives_a_round_trip_through_json
    yield checks.check_refuses_unknown_fields
    yield checks.check_names_all_it_needs
    yield checks.check_keeps_nothing_of_an_utterance
    if isinstance(block, SequenceBlock):
        yield checks.check_gives_what_it_says
        yield checks.check_leaves_the_utterance_alone
    if isinstance(block, StreamableBlock):
        yield checks.check_keeps_streams_apart
        yield check_skips_what_no_one_reads
        yield checks.check_can_be_left_at_any_time
        if block.head:
            yield checks.check_ignores_the_schedule
        else:
            yield checks.check_leaves_its_source_alone
            yield checks.check_ignores_how_the_source_is_cut
            yield checks.check_waits_for_no_more_than_its_lookahead
            yield checks.check_keeps_its_hop
