"""What of an addon streams exactly, what only runs on whole utterances, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from voxstack_cli.lookahead import Lookahead

Spec = Mapping[str, Any]


def told(network: Spec) -> tuple[str, str]:
    """How a network runs, ``exact``, ``step by step`` or ``whole``, and why, in words."""
    if "autoregressive" in network:
        return "step by step", _steps(network)
    streaming = network.get("streaming")
    if streaming is None:
        return "whole", "it has no measured receptive field, so any output may depend on all of the utterance"
    if "states" in streaming:
        return "exact", f"carries {len(streaming['states'])} states, waits for {streaming['right']} {streaming['axis']}"
    left, right, axis = (streaming[key] for key in ("left", "right", "axis"))
    words = f"an output sees {left} {axis} before its own and {right} after, as measured"
    if "stateful" in network:
        words += f"; in windows, or carrying {len(network['stateful']['streaming']['states'])} states"
    return "exact", words


def lines(networks: Mapping[str, Spec], stack: Any, ahead: Lookahead | None = None) -> Iterator[str]:
    """Yield lines on an addon.

    :param networks: its own, and those that it borrows, as far as they are known.
    :param ahead: how far what is behind the head looks, where that is known.
    """
    width = max(map(len, networks), default=0)
    for name, network in networks.items():
        how, why = told(network)
        yield f"{name:{width}}  {how}: {why}"
    types = set(_types(stack))
    if "WholeFrames" in types:
        yield "the stream begins with WholeFrames: the first audio comes when all that runs whole is done, and flows from there on"
    elif "AutoregressiveDecoder" in types:
        yield "the stream begins with AutoregressiveDecoder: the first audio comes after the first steps, however long the utterance"
    elif "Upsampler" in types:
        yield "the stream begins with Upsampler: the first audio comes after the first frames, however long the utterance"
    if ahead is not None:
        yield f"what is behind its head looks {ahead.frames} frames ahead, {ahead.milliseconds:.0f} ms of speech"


def _steps(network: Spec) -> str:
    steps = network["autoregressive"]
    frames = network["outputs"][steps["frames"]]["shape"][1]
    growing = [name for name, state in steps["states"].items() if "steps" in state]
    states = f"carries {len(steps['states'])} states"
    states += f", of which {', '.join(growing)} grow with what is said" if growing else " of a fixed size"
    noise = "; noise is drawn for each step from the seed" if "noise" in steps else ""
    return f"says {frames} frames from those it said before, and {states}{noise}"


def _types(stack: Any) -> Iterator[str]:
    if isinstance(stack, Mapping):
        if isinstance(stack.get("type"), str):
            yield stack["type"]
        for value in stack.values():
            yield from _types(value)
    elif isinstance(stack, list):
        for value in stack:
            yield from _types(value)
