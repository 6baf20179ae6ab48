"""Text-to-speech models of any architecture behind one small interface, streaming from the first frame."""

from __future__ import annotations

from voxstack.blocks import Block, Frames, SequenceBlock, StreamableBlock, StreamableWrapper, Utterance
from voxstack.composites import SequenceBlockContainer, StreamablePipeline, StreamableStack
from voxstack.errors import AddonError, ContextError, NetworkError, PluginError, RequestError, StackError, VoxstackError
from voxstack.hookspecs import hookimpl
from voxstack.registry import Registry
from voxstack.schedule import Schedule
from voxstack.stack import build
from voxstack.voice import Chunk, Speech, Voice, load
from voxstack.windows import windows

__all__ = [
    "AddonError",
    "Block",
    "Chunk",
    "ContextError",
    "Frames",
    "NetworkError",
    "PluginError",
    "Registry",
    "RequestError",
    "Schedule",
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
