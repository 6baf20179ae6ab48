"""The voice runtime: voices, their concurrent streams, and the scheduler that orders them."""

from __future__ import annotations

from voxstack.blocks import Block
from voxstack.hookspecs import hookimpl
from voxstack_voice.prefetch import Prefetch
from voxstack_voice.scheduler import Scheduler
from voxstack_voice.speech import Chunk, Speech
from voxstack_voice.voice import Voice, load

__all__ = ["Chunk", "Prefetch", "Scheduler", "Speech", "Voice", "load", "voxstack_blocks"]


@hookimpl
def voxstack_blocks() -> list[type[Block]]:
    """Return the blocks of this plugin."""
    return [Prefetch]
