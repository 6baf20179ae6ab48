"""Exceptions that voxstack raises on purpose."""

from __future__ import annotations

MAX_TEXT = 4000
"""Characters of the text of an error."""


class VoxstackError(Exception):
    """Base class of all errors that voxstack raises on purpose.

    The middle of a text of more than :data:`MAX_TEXT` characters is left out: libraries quote parts of files in theirs.
    """

    def __str__(self) -> str:
        text = self._text()
        return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT // 2]} [...] {text[-MAX_TEXT // 2 + 7 :]}"

    def _text(self) -> str:
        return super().__str__()


class LocatedError(VoxstackError):
    """An error at a known place.

    :param where: the place, e.g. ``amber/addon.json: networks.decoder.exports[0]`` or ``stack[0].streamable_block``.
    :param problem: what is wrong there, ending with what to do about it.
    """

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(where, problem)  # both, so that a pickled error can be rebuilt
        self.where = where
        self.problem = problem

    def _text(self) -> str:
        return f"{self.where}: {self.problem}"


class AddonError(LocatedError):
    """An addon is invalid, damaged or incomplete."""


class ContextError(VoxstackError):
    """A context is unavailable here: no such runtime, device or export."""
