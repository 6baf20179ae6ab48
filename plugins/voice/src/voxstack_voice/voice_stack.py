"""The stack of a voice: one that starts a stream, and ends in samples."""

from __future__ import annotations

from typing import Any

from voxstack.blocks import StreamableBlock
from voxstack.errors import StackError, VoxstackError
from voxstack.networks.addon import Addon
from voxstack.registry import Registry
from voxstack.stack import build
from voxstack.streaming.faults import located
from voxstack_voice.stream_rates import check_rates


def build_speaking(addon: Addon, stack: Any, registry: Registry | None = None) -> StreamableBlock:
    """Return the block that a stack describes.

    :param stack: JSON, in which blocks may stand as objects; None: the addon has none.
    :param registry: in which block names are looked up; by default the addon's.
    :raises StackError: if there is no stack, or one that does not start a stream, or does not end in samples.
    """
    if not stack:
        reason = "this addon has no stack: it lends its networks to others and cannot speak by itself; load a voice"
        raise StackError(addon.name, reason)
    block: object = build(stack, addon, registry=registry)
    try:
        starts = isinstance(block, StreamableBlock) and block.head
        makes = getattr(block, "makes", None)
    except Exception as error:  # a plugin's property may raise anything
        raise StackError(*located(error)) from error
    if not isinstance(block, StreamableBlock) or not starts:
        reason = "nothing here starts a stream; begin with a block that makes frames from the utterance"
        raise StackError("stack[0]", reason)
    if makes not in (None, "samples"):
        raise StackError("stack", f"a voice ends in 'samples', and this ends in {makes!r}; add what makes samples")
    return block


def sample_rate_of(addon: Addon, block: StreamableBlock, own: bool) -> int:
    """Return the sample rate of what a stack ends in, Hz.

    :param own: whether the stack is the addon's own, which must make samples at the rates that addon.json states.
    :raises StackError: if it does not.
    """
    declared: int = addon.config["sample_rate"]
    rate = block.output_rate or declared
    if own and rate != declared:
        problem = f"it ends in {rate} Hz, and sample_rate in addon.json is {declared}; correct one of them"
        raise StackError("stack", problem)
    if own:
        try:
            check_rates(block, addon.config)
        except VoxstackError:
            raise
        except Exception as error:  # of a property, of any block
            raise StackError(*located(error)) from error
    return rate
