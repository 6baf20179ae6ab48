"""The core's own blocks, registered like anybody else's."""

from __future__ import annotations

from voxstack import composites
from voxstack.blocks import Block
from voxstack.hookspecs import hookimpl
from voxstack.prefetch import Prefetch


@hookimpl
def voxstack_blocks() -> list[type[Block]]:
    """The composites."""
    return [composites.SequenceBlockContainer, composites.StreamableStack, composites.StreamablePipeline, Prefetch]
