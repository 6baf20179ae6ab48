"""The voice runtime: voices, their concurrent streams, and the scheduler that orders them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from voxstack.blocks import Block
from voxstack.hookspecs import hookimpl

if TYPE_CHECKING:
    from voxstack_voice.audio.audio_file import AudioFile
    from voxstack_voice.audio.player import Player
    from voxstack_voice.chunk import Chunk
    from voxstack_voice.display.notebook import notebook_view
    from voxstack_voice.display.stack_graph import graph
    from voxstack_voice.event_trace import EventTrace
    from voxstack_voice.loading import load
    from voxstack_voice.prefetch import Prefetch
    from voxstack_voice.reading import Reading
    from voxstack_voice.scheduler import Scheduler
    from voxstack_voice.speech import Speech
    from voxstack_voice.voice import Voice

__all__ = [
    "AudioFile", "Chunk", "EventTrace", "Player", "Prefetch", "Reading", "Scheduler", "Speech", "Voice", "graph",
    "load", "notebook_view", "voxstack_blocks",
]  # fmt: skip

_MODULES = {
    "AudioFile": "audio.audio_file",
    "Chunk": "chunk",
    "EventTrace": "event_trace",
    "Player": "audio.player",
    "Prefetch": "prefetch",
    "Reading": "reading",
    "Scheduler": "scheduler",
    "Speech": "speech",
    "Voice": "voice",
    "graph": "display.stack_graph",
    "load": "loading",
    "notebook_view": "display.notebook",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use: looking for plugins needs none but the block."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


@hookimpl
def voxstack_blocks() -> list[type[Block]]:
    """Return the blocks of this plugin."""
    from voxstack_voice.prefetch import Prefetch

    return [Prefetch]
