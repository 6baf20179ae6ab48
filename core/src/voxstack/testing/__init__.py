"""The contract of plugins, as checks that their authors run on their own.

.. code-block:: python

    from voxstack.testing import Case, parametrize_with_checks


    @parametrize_with_checks([Gain(db=-6.0), Case(Pace(rate=2.0), utterance={"durations": np.array([3.0, 4.0])})])
    def test_contract(case, check):
        check(case)

``pytest --voxstack-contract my-plugin`` runs them on an installed distribution without a test being written.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from voxstack.blocks import Block
from voxstack.testing.cases import Case
from voxstack.testing.checks import checks_for
from voxstack.testing.judging import Check, Unjudged

if TYPE_CHECKING:
    import pytest

__all__ = ["Case", "Check", "Unjudged", "checks_for", "parametrize_with_checks"]


def parametrize_with_checks(cases: Iterable[Case | Block]) -> pytest.MarkDecorator:
    """Parametrize a test of ``case`` and ``check`` over each block and each clause of the contract."""
    import pytest

    full = [case if isinstance(case, Case) else Case(case) for case in cases]
    pairs = [(case, check) for case in full for check in checks_for(case.block)]
    ids = [f"{type(case.block).__name__}-{check.__name__.removeprefix('check_')}" for case, check in pairs]
    return pytest.mark.parametrize("case, check", pairs, ids=ids)
