"""Clauses that cannot be judged yet, and what each case is known to pass."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from typing import Any

Check = Callable[[Any], None]
"""A clause: raises AssertionError with what is wrong with a case and what to do, or :class:`Unjudged`."""


class Unjudged(unittest.SkipTest):
    """A clause that cannot be judged, as the object under test breaks another one first; test runners skip it."""


class Memo:
    """The clauses that one case was tried on, for clauses that presume them."""

    def __init__(self) -> None:
        self._passed: dict[Check, bool] = {}

    def presume(self, case: Any, *clauses: Check) -> None:
        """Return if the case passes these clauses.

        :raises Unjudged: naming the first one that it breaks. That one reports the fault.
        """
        for clause in clauses:
            if clause not in self._passed:
                try:
                    clause(case)
                    self._passed[clause] = True
                except Unjudged:
                    raise
                except Exception:
                    self._passed[clause] = False
            if not self._passed[clause]:
                raise Unjudged(f"it can be judged when {clause.__name__.removeprefix('check_')!r} holds")


def presume(case: Any, *clauses: Check) -> None:
    """Return if the case passes these clauses; raise :class:`Unjudged` otherwise."""
    case.memo.presume(case, *clauses)
