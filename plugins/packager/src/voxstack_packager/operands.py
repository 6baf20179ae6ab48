"""What stands in a stateful graph for the tensors of the plain one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Steps:
    """A tensor with new steps of the stream: once n steps have come in, n - ``delay`` of it are out, and all at the end.

    :param like: a tensor of the plain graph that has the same shape but for the steps.
    :param turned: a transposition that is still to be made, where one is: axis i of ``like`` is axis ``turned[i]`` of ``name``.
        Most are followed by another that undoes them; until something needs the one, what can be done without it is, as time
        that comes before channels is joined and cut in one piece.
    """

    name: str
    like: str
    delay: int
    turned: tuple[int, ...] = ()

    def axis(self, plain: int) -> int:
        """Where an axis of ``like`` is in ``name``."""
        return self.turned[plain] if self.turned else plain


@dataclass(frozen=True)
class Fixed:
    """A tensor that is the same in every call, with one step where the plain graph has many."""

    name: str


@dataclass(frozen=True)
class Padded:
    """Steps with zeros around the whole stream, of which only windows are ever made."""

    source: Steps
    left: int
    right: int


Operand = Steps | Fixed | Padded
