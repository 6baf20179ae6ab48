"""Upsampler: from one encoding a token to one a frame."""

from __future__ import annotations

import voxstack
from voxstack_upsampler.blocks import Upsampler


@voxstack.hookimpl
def voxstack_blocks() -> list[type[voxstack.Block]]:
    """The blocks of this plugin."""
    return [Upsampler]
