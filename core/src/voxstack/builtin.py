"""The core's own blocks, registered through the hook that every plugin uses."""

from __future__ import annotations

from voxstack import composites
from voxstack.blocks import Block
from voxstack.hookspecs import hookimpl


@hookimpl
def voxstack_blocks() -> list[type[Block]]:
    """Return the composites."""
    return [composites.SequenceBlockContainer, composites.StreamableStack, composites.StreamablePipeline]
