"""What the framework raises on purpose."""

from __future__ import annotations


class VoxstackError(Exception):
    """Base of everything the framework raises on purpose: catch it to catch the framework and nothing else."""


class AddonError(VoxstackError):
    """An addon cannot be used as it is.

    :param where: the addon and the place inside it, e.g. ``amber/addon.json: networks.decoder.exports[0]``.
    :param problem: what is wrong there, ending with what to do about it.
    """

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(where, problem)  # both, so that a pickled error can be rebuilt
        self.where = where
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"
