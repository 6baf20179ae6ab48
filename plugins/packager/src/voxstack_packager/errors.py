"""Exceptions of packaging."""

from __future__ import annotations

from voxstack import LocatedError


class PackagingError(LocatedError):
    """A network cannot be packaged as it is: ``where`` names it, ``problem`` states what was found and what to do."""


class NoStatefulForm(PackagingError):
    """A network mixes steps in a way that cannot be carried from call to call; ``why`` names the cause."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(where, f"has no stateful form: {why}. Leave 'stateful' out, and it streams in windows")
        self.args = where, why  # unpickling calls the class with these
        self.why = why


class InfiniteField(PackagingError):
    """A network depends on all steps before or after, so that it cannot stream in windows."""
