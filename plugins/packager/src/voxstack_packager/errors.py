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
