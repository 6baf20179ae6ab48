"""The stack of a voice: one that starts a stream, and ends in samples."""

from __future__ import annotations

from voxstack.blocks import StreamableBlock
from voxstack.errors import StackError
from voxstack.networks.addon import Addon
from voxstack.stack import build
from voxstack.streaming.faults import located


def build_speaking(addon: Addon) -> StreamableBlock:
    """Return the block that the stack of an addon describes.

    :raises StackError: if it has no stack, or one that does not start a stream, or does not end in samples.
    """
    stack = addon.config.get("stack")
    if not stack:
        reason = "this addon has no stack: it lends its networks to others and cannot speak by itself; load a voice"
        raise StackError(addon.name, reason)
    block: object = build(stack, addon)
    try:
        starts = isinstance(block, StreamableBlock) and block.head
        makes = getattr(block, "makes", None)
    except Exception as error:  # a plugin's property may raise anything
        raise StackError(*located(error)) from error
    if not isinstance(block, StreamableBlock) or not starts:
        reason = "nothing here starts a stream; begin with a block that makes frames from the utterance"
        raise StackError("stack[0]", reason)
    if makes not in (None, "samples"):
        raise StackError("stack", f"a voice ends in 'samples', and this stack ends in {makes!r}")
    return block
