"""Text-to-speech models of any architecture behind one small interface, streaming from the first frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxstack.blocks import Block, Frames, Resources, SequenceBlock, StreamableBlock, StreamableWrapper
from voxstack.composites import SequenceBlockContainer, StreamablePipeline, StreamableStack
from voxstack.entry_points import select_entry_points
from voxstack.errors import (
    AddonError,
    BlockError,
    CapacityError,
    ContextError,
    DeadlineError,
    LocatedError,
    NetworkError,
    PluginError,
    RequestError,
    StackError,
    VoxstackError,
)
from voxstack.hookspecs import hookimpl
from voxstack.registry import Registry
from voxstack.stack import build
from voxstack.streaming.schedule import Schedule
from voxstack.streaming.timeline import Event
from voxstack.streaming.turn import waiting
from voxstack.streaming.windows import windows
from voxstack.utterance import Utterance
from voxstack_addon_spec.wording import did_you_mean

if TYPE_CHECKING:
    from voxstack_plot import plot
    from voxstack_voice import (
        AudioFile,
        Chunk,
        EventTrace,
        Player,
        Prefetch,
        Reading,
        Scheduler,
        Speech,
        Voice,
        graph,
        load,
        notebook_view,
    )
    from voxstack_voices import Voices

__all__ = [
    "AddonError", "AudioFile", "Block", "BlockError", "CapacityError", "Chunk", "ContextError", "DeadlineError",
    "Event", "EventTrace", "Frames", "LocatedError", "NetworkError", "Player", "PluginError", "Prefetch", "Reading",
    "Registry", "RequestError", "Resources", "Schedule", "Scheduler", "SequenceBlock", "SequenceBlockContainer",
    "Speech", "StackError", "StreamableBlock", "StreamablePipeline", "StreamableStack", "StreamableWrapper",
    "Utterance", "Voice", "Voices", "VoxstackError", "build", "did_you_mean", "graph", "hookimpl", "load",
    "notebook_view", "plot", "waiting", "windows",
]  # fmt: skip

_DISTRIBUTIONS = {
    **dict.fromkeys(("AudioFile", "Chunk", "EventTrace", "Player", "Prefetch", "Reading"), "voxstack-voice"),
    **dict.fromkeys(("Scheduler", "Speech", "Voice", "graph", "load", "notebook_view"), "voxstack-voice"),
    "Voices": "voxstack-voices",
    "plot": "voxstack-plot",
}

_EXTRAS = {"voxstack-plot": '".[plot]" in the folder of voxstack'}
"""Distributions that are extras, each with what installs it."""


def __getattr__(name: str) -> Any:
    """Return a public name that a plugin provides in the entry-point group ``voxstack.api`` (PEP 562).

    :raises PluginError: if none or several distributions provide it, or the one that does cannot be imported.
    """
    points = list(select_entry_points("voxstack.api", name)) if name[:1] != "_" else []
    if not points and name not in _DISTRIBUTIONS:
        advice = did_you_mean(name, __all__, "voxstack.load('amber') returns a voice, which synthesizes")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{'' if name[:1] == '_' else advice}")
    if not points:
        home = _DISTRIBUTIONS[name]
        advice = f"try: pip install {_EXTRAS.get(home, home)}"
        raise PluginError(f"voxstack.{name} is part of {home}, which is not installed; {advice}")
    homes = [point.distribution for point in points]
    if len({point.value for point in points}) > 1:
        raise PluginError(f"voxstack.{name} is provided by {' and by '.join(homes)}; uninstall all but one")
    try:
        value = points[0].load()
    except Exception as error:
        home = homes[0]
        raise PluginError(
            f"voxstack.{name} is part of {home}, which cannot be imported: {error!r}; reinstall it"
        ) from error
    globals()[name] = value
    return value
