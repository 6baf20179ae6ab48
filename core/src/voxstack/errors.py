"""Everything the framework raises on purpose."""

from __future__ import annotations

from voxstack_addon_spec import AddonError, VoxstackError

__all__ = [
    "AddonError",
    "BlockError",
    "CapacityError",
    "ContextError",
    "NetworkError",
    "PluginError",
    "RequestError",
    "StackError",
    "VoxstackError",
]


class PluginError(VoxstackError):
    """A plugin could not be imported, or breaks the plugin contract."""


class StackError(VoxstackError):
    """A stack definition is wrong, or its blocks do not fit together; ``path`` says where."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


class ContextError(VoxstackError):
    """A context cannot be had here: no such runtime, device or export."""


class NetworkError(VoxstackError):
    """A network was given what it cannot take, or failed while it ran."""


class RequestError(VoxstackError):
    """A request asks for what the voice cannot do."""


class BlockError(VoxstackError):
    """A block failed while it ran; ``path`` says which, and ``__cause__`` is its own error. No other stream is affected."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


class CapacityError(VoxstackError):
    """One more stream would make all of them stutter. Nothing was said; ask again later."""
