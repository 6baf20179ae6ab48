"""The rates of the streams in a stack, which must be those that its addon.json states.

A wrong ``hop_length`` is not heard at once: a break of one second lasts two. A wrong ``sample_rate`` changes the pitch,
or the times of a block that counts samples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from voxstack.blocks import StreamableBlock, StreamableWrapper
from voxstack.composites import StreamableStack
from voxstack.errors import StackError


def samples_per_frame(block: StreamableBlock) -> float | None:
    """Return the samples that a loaded stack makes of each frame of its head; None if that is not certain.

    It is certain where the head counts frames as the addon does: by durations, or by the steps of an autoregressive
    network. A head that streams a tensor computed at once may have another number of steps.
    """
    head = next(_in_order(block))
    steps = any(network.spec.autoregressive is not None for network in head.networks_opened)
    if head.makes in (None, "samples") or not (steps or "durations" in head.needs):
        return None
    return block.hop


def check_rates(block: StreamableBlock, config: Mapping[str, Any]) -> None:
    """Check that a loaded stack makes samples at the rates that addon.json states.

    :param block: ends in samples.
    :raises StackError: naming both values.
    """
    found, stated = samples_per_frame(block), config["hop_length"]
    if found is not None and abs(found - stated) >= 1:  # after a Resample, the whole number next to it
        nearest = max(1, round(found))
        problem = f"this stack makes {found:g} samples of each frame, and addon.json states hop_length {stated}"
        effect = (
            f"a break of 1 s would last {found / stated:.3g} s" if math.isfinite(found) else "no time would be right"
        )
        raise StackError("stack", f'{problem}: {effect}. Write "hop_length": {nearest}, or correct the stack')
    _check_sample_rates(block, config["sample_rate"])


def _check_sample_rates(block: StreamableBlock, rate: int) -> None:
    """Check the rates that blocks state as ``sample_rate``, or as ``source_rate`` and ``target_rate``, from the end on.

    :raises StackError: naming the block whose rate is not that of its stream.
    """
    for part in reversed(list(_in_order(block))):
        own = getattr(part, "target_rate", getattr(part, "sample_rate", None))
        if isinstance(own, int) and own != rate:
            name = type(part).__name__
            problem = (
                f"{name} works at {own} Hz, and its stream has {rate} Hz, as addon.json or a block after it states"
            )
            raise StackError(part.stack_path or "stack", f"{problem}; correct one of them")
        source = getattr(part, "source_rate", None)
        rate = source if isinstance(source, int) else rate


def _in_order(block: StreamableBlock) -> Iterator[StreamableBlock]:
    """Yield the blocks that a stream passes through, from its head on."""
    if isinstance(block, StreamableStack):
        for part in block.stack:
            yield from _in_order(part)
        return
    if isinstance(block, StreamableWrapper):
        yield from _in_order(block.inner)
    yield block
