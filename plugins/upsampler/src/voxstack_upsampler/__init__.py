"""Blocks from tokens to frames, and from whole tensors to streams."""

from __future__ import annotations

import voxstack
from voxstack_upsampler.expand import Expand
from voxstack_upsampler.upsampler import Upsampler
from voxstack_upsampler.whole_frames import WholeFrames


@voxstack.hookimpl
def voxstack_blocks() -> list[type[voxstack.Block]]:
    """Return the blocks of this plugin."""
    return [Upsampler, Expand, WholeFrames]
