"""Blocks from tokens to frames, and from whole tensors to streams."""

from __future__ import annotations

import voxstack


@voxstack.hookimpl
def voxstack_blocks() -> list[str]:
    """Return the blocks of this plugin, which are imported when a stack names them."""
    return [
        "voxstack_upsampler.upsampler:Upsampler",
        "voxstack_upsampler.expand:Expand",
        "voxstack_upsampler.whole_frames:WholeFrames",
    ]
