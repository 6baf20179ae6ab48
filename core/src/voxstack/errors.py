"""Exceptions that voxstack raises on purpose."""

from __future__ import annotations

from voxstack_addon_spec import AddonError as AddonError
from voxstack_addon_spec import ContextError as ContextError
from voxstack_addon_spec import LocatedError as LocatedError
from voxstack_addon_spec import VoxstackError as VoxstackError


class PluginError(VoxstackError):
    """A plugin is missing, could not be imported, or breaks the plugin contract."""


class StackError(LocatedError):
    """A stack definition is wrong, or its blocks do not fit together; ``where`` is the path of the block."""


class NetworkError(VoxstackError):
    """A network received input that it does not accept, or failed while it ran."""

    misfit: bool = False
    """Whether a step of the input has more or fewer features than the network takes."""


class LengthError(NetworkError):
    """Input has more steps than the fixed sizes of a network hold; shorter parts of it are accepted.

    Blocks that cut text catch it before they have output anything of that text.

    :param problem: the whole message.
    :param axis: name of the axis, ``length`` of the input along it, and ``limit``, the largest size.
    """

    def __init__(self, problem: str, axis: str, length: int, limit: int) -> None:
        super().__init__(problem, axis, length, limit)  # all, so that a pickled error can be rebuilt
        self.problem, self.axis, self.length, self.limit = problem, axis, length, limit

    def _text(self) -> str:
        return self.problem


class RequestError(VoxstackError):
    """A request asks for something that the voice cannot do."""


class BlockError(LocatedError):
    """A block failed while it ran; ``where`` is its path, ``__cause__`` its own error. Other streams are unaffected."""


class DeadlineError(BlockError):
    """A chunk was not ready within the stream's ``timeout``; ``where`` is the path of the block that was at work."""


class CapacityError(VoxstackError):
    """Admitting the stream would exceed real-time capacity. No audio was produced; retry later.

    :param reason: a word for programs: what there is too little of.
    """

    def __init__(self, message: str, reason: str = "other") -> None:
        super().__init__(message)
        self.reason = reason


class CancelledError(VoxstackError):
    """Work was given up because its stream was closed or missed its deadline."""


def describe(error: BaseException) -> str:
    """Return the type and the text of an error, also of one that has no text because its ``__str__`` fails."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception as failure:
        return f"{type(error).__name__} (its text cannot be read: {type(failure).__name__})"


def foreign(error: BaseException) -> str:
    """Return the text of an error of a plugin, to end a message with; with its type unless it is on purpose."""
    return str(error) if isinstance(error, VoxstackError) else describe(error)
