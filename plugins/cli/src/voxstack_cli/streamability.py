"""Streamability of an addon: which networks stream exactly, which run on whole utterances only, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from voxstack_cli.lookahead import Lookahead

Spec = Mapping[str, Any]

FIRST_AUDIO = {
    "WholeFrames": "the first audio is available when all whole-utterance steps are done, and the rest streams",
    "AutoregressiveDecoder": "the first audio is available after the first steps, however long the utterance",
    "Upsampler": "the first audio is available after the first frames, however long the utterance",
}
"""When the first audio is available, by the block that begins the stream. The first one in a stack applies."""


def network_streamability(network: Spec) -> tuple[str, str]:
    """Return how a network runs (``exact``, ``step by step`` or ``whole``), and why."""
    if "autoregressive" in network:
        return "step by step", _describe_steps(network)
    streaming = network.get("streaming")
    if streaming is None:
        unknown = "it has no measured receptive field, so any output may depend on the whole utterance"
        return "whole", network.get("measured", {}).get("fallback", {}).get("streaming", unknown)
    left, right, axis = (streaming.get(key) for key in ("left", "right", "axis"))
    if "states" in streaming:
        return "exact", f"carries {len(streaming['states'])} states, waits for {right} {axis}"
    reason = f"an output depends on {left} {axis} before its own and {right} after, as measured"
    if "stateful" in network:
        reason += f"; in windows, or carrying {len(network['stateful']['streaming']['states'])} states"
    elif "stateful" in (fallback := network.get("measured", {}).get("fallback", {})):
        reason += f"; in windows only: {fallback['stateful']}"
    return "exact", reason


def streamability_lines(networks: Mapping[str, Spec], stack: Any, lookahead: Lookahead | None = None) -> Iterator[str]:
    """Yield a line on each network, one on the time to first audio, and one on the lookahead.

    :param networks: specs of the addon's own networks, and of borrowed ones whose lenders are installed.
    :param stack: the stack of the addon, as JSON.
    :param lookahead: of the blocks after the head; None if it is not known.
    """
    width = max(map(len, networks), default=0)
    for name, network in networks.items():
        mode, reason = network_streamability(network)
        yield f"{name:{width}}  {mode}: {reason}"
    types = set(_block_types(stack))
    head = next((name for name in FIRST_AUDIO if name in types), None)
    if head is not None:
        yield f"the stream begins with {head}: {FIRST_AUDIO[head]}"
    if lookahead is not None:
        frames, milliseconds = lookahead
        yield f"the blocks after its head look {frames} frames ahead, {milliseconds:.0f} ms of speech"


def _describe_steps(network: Spec) -> str:
    steps = network["autoregressive"]
    frames = network["outputs"][steps["frames"]]["shape"][1]
    growing = [name for name, state in steps["states"].items() if "steps" in state]
    states = f"carries {len(steps['states'])} states"
    states += f", of which {', '.join(growing)} grow with each step" if growing else " of a fixed size"
    noise = "; draws noise for each step from the seed" if "noise" in steps else ""
    return f"generates {frames} frames per step from the previous ones, and {states}{noise}"


def _block_types(stack: Any) -> Iterator[str]:
    if isinstance(stack, Mapping):
        if isinstance(stack.get("type"), str):
            yield stack["type"]
        for value in stack.values():
            yield from _block_types(value)
    elif isinstance(stack, list):
        for value in stack:
            yield from _block_types(value)
