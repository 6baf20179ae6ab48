"""The contract of plugins, as checks that their authors run on their own.

.. code-block:: python

    from voxstack.testing import Case, parametrize_with_checks


    @parametrize_with_checks([Gain(db=-6.0), Case(Pace(rate=2.0), utterance={"durations": np.array([3.0, 4.0])})])
    def test_contract(case, check):
        check(case)

``pytest --voxstack-contract my-plugin`` runs them on an installed distribution without a test being written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from voxstack.blocks import Block
from voxstack.testing.cases import Case
from voxstack.testing.checks import checks_for
from voxstack.testing.judging import Check, Unjudged
from voxstack.testing.network_cases import RuntimeCase, WrapperCase
from voxstack.testing.runtime_checks import runtime_checks as _runtime_checks
from voxstack.testing.wrapper_checks import wrapper_checks as _wrapper_checks

if TYPE_CHECKING:
    import pytest

__all__ = ["AnyCase", "Case", "Check", "RuntimeCase", "Unjudged", "WrapperCase", "checks_for", "checks_of"]
__all__ += ["parametrize_with_checks"]

AnyCase = Case | RuntimeCase | WrapperCase
"""A block, a runtime or a wrapper of networks with what to run it on."""


def checks_of(case: AnyCase) -> Iterator[Check]:
    """Yield the clauses that apply to a case."""
    if isinstance(case, RuntimeCase):
        yield from _runtime_checks()
    elif isinstance(case, WrapperCase):
        yield from _wrapper_checks()
    else:
        yield from checks_for(case.block)


def name_of(case: AnyCase) -> str:
    """Return the name of a case: of its block, or of the network and the context that it runs in."""
    if isinstance(case, Case):
        return type(case.block).__name__
    context = case.context
    place = f"{context.runtime}:{context.device}" if isinstance(case, RuntimeCase) else _wrapped_as(context)
    return f"{place}-{case.sample.spec.name}"


def _wrapped_as(context: Any) -> str:
    sizes = [f"{axis}={','.join(map(str, sizes))}" for axis, sizes in context.shapes.items()]
    return " ".join(["wrapper", *sizes, *([f"batch={context.batch}"] if context.batch > 1 else [])])


def parametrize_with_checks(cases: Iterable[AnyCase | Block]) -> pytest.MarkDecorator:
    """Parametrize a test of ``case`` and ``check`` over each case, or block, and each clause of its contract."""
    import pytest

    full = [Case(case) if isinstance(case, Block) else case for case in cases]
    pairs = [(case, check) for case in full for check in checks_of(case)]
    ids = [f"{name_of(case)}-{check.__name__.removeprefix('check_')}" for case, check in pairs]
    return pytest.mark.parametrize("case, check", pairs, ids=ids)
