"""Clauses: what clients demand of a server, each with a function that tries it."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

from voxstack.errors import describe
from voxstack_serve.contract.target import Target
from voxstack_serve.contract.visit import Visit

Trial = Callable[[Visit], None]

PASS, FAIL, NOT_APPLICABLE = "pass", "fail", "not applicable"


class NotApplicable(unittest.SkipTest):
    """A clause that says nothing about this server, with the reason; pytest and unittest skip the test."""


@dataclass(frozen=True)
class Result:
    """A clause that was tried at a server.

    :param outcome: ``pass``, ``fail`` or ``not applicable``.
    :param right: what would be right.
    :param problem: what is wrong, or why the clause does not apply.
    """

    clause: str
    grade: str
    clients: tuple[str, ...]
    outcome: str
    right: str
    problem: str
    sent: tuple[str, ...]
    came: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the result as an object of JSON."""
        return asdict(self)

    def explanation(self) -> str:
        """Return the lines that explain the result."""
        needed = f"{self.clause}: {self.problem}\n  right:     {self.right}\n  needed by: {', '.join(self.clients)}"
        steps = [f"\n  sent:      {sent}\n  came:      {came}" for sent, came in zip(self.sent, self.came, strict=True)]
        return needed + "".join(steps)


@dataclass(frozen=True)
class Clause:
    """A demand of clients.

    :param name: protocol and demand, such as ``openai.pcm-is-24-khz``.
    :param clients: clients that need it, with the versions that were looked at.
    :param essential: whether a client fails without it; otherwise it works, but worse.
    :param right: what a server does.
    :param trial: raises an AssertionError with what is wrong, or NotApplicable.
    """

    name: str
    clients: tuple[str, ...]
    essential: bool
    right: str
    trial: Trial

    @property
    def protocol(self) -> str:
        """The protocol that the clause is about."""
        return self.name.partition(".")[0]

    def try_at(self, target: Target) -> Result:
        """Try the clause at a server, and return what came of it, also for a server that answers nonsense."""
        visit, outcome, problem = Visit(target), PASS, ""
        try:
            self.trial(visit)
        except NotApplicable as reason:
            outcome, problem = NOT_APPLICABLE, str(reason)
        except AssertionError as error:
            outcome, problem = FAIL, str(error)
        except Exception as error:  # anything may come from a server
            outcome, problem = FAIL, f"no answer that a client understands: {type(error).__name__}: {describe(error)}"
        grade = "must" if self.essential else "should"
        sent, came = visit.record()
        return Result(self.name, grade, self.clients, outcome, self.right, " ".join(problem.split()), sent, came)

    def require(self, target: Target) -> None:
        """Try the clause in a test.

        :raises AssertionError: if the server does not meet it, with what was sent, what came, and what would be right.
        :raises NotApplicable: if it says nothing about this server; the test is skipped.
        """
        result = self.try_at(target)
        if result.outcome == NOT_APPLICABLE:
            raise NotApplicable(result.problem)
        if result.outcome == FAIL:
            raise AssertionError(result.explanation())


def clause(protocol: str, *clients: str, essential: bool = True) -> Callable[[Trial], Clause]:
    """Return a decorator that makes a clause of a function; its docstring states what a server does."""

    def decorate(trial: Trial) -> Clause:
        name = f"{protocol}.{trial.__name__.replace('_', '-')}"
        return Clause(name, clients, essential, " ".join((trial.__doc__ or "").split()), trial)

    return decorate


def clauses_in(*modules: ModuleType) -> Iterator[Clause]:
    """Yield the clauses of modules, in the order of the source."""
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, Clause):
                yield value
            elif isinstance(value, tuple):
                yield from (each for each in value if isinstance(each, Clause))
