"""What packaging raises."""

from __future__ import annotations

from voxstack import VoxstackError


class PackagingError(VoxstackError):
    """A network cannot be packaged as it is: ``where`` names it, ``problem`` says what was found and what to do."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(where, problem)
        self.where = where
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


class NoStatefulForm(PackagingError):
    """A network mixes steps in a way that cannot be carried from call to call; ``why`` says what does."""

    def __init__(self, where: str, why: str) -> None:
        self.why = why
        super().__init__(where, f"has no stateful form: {why}. Leave 'stateful' out, and it streams in windows")
