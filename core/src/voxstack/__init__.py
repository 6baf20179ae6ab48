"""Text-to-speech models of any architecture behind one small interface, streaming from the first frame."""

from __future__ import annotations

from voxstack.blocks import Block, Frames, SequenceBlock, StreamableBlock, StreamableWrapper, Utterance
from voxstack.composites import SequenceBlockContainer, StreamablePipeline, StreamableStack
from voxstack.errors import (
    AddonError,
    BlockError,
    CapacityError,
    ContextError,
    NetworkError,
    PluginError,
    RequestError,
    StackError,
    VoxstackError,
)
from voxstack.hookspecs import hookimpl
from voxstack.prefetch import Prefetch
from voxstack.registry import Registry
from voxstack.schedule import Schedule
from voxstack.scheduler import Scheduler
from voxstack.speech import Chunk, Speech
from voxstack.stack import build
from voxstack.timeline import Event
from voxstack.voice import Voice, load
from voxstack.windows import windows

__all__ = [
    "AddonError",
    "Block",
    "BlockError",
    "CapacityError",
    "Chunk",
    "ContextError",
    "Event",
    "Frames",
    "NetworkError",
    "PluginError",
    "Prefetch",
    "Registry",
    "RequestError",
    "Schedule",
    "Scheduler",
    "SequenceBlock",
    "SequenceBlockContainer",
    "Speech",
    "StackError",
    "StreamableBlock",
    "StreamablePipeline",
    "StreamableStack",
    "StreamableWrapper",
    "Utterance",
    "Voice",
    "VoxstackError",
    "build",
    "hookimpl",
    "load",
    "windows",
]
