"""Faults in blocks: whose they are, and how an error describes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from types import FrameType, TracebackType
from typing import Any

import numpy as np

from voxstack.blocks import Block, Frames, StreamableBlock
from voxstack.errors import NetworkError, PluginError, describe
from voxstack.streaming.closing import close
from voxstack.streaming.tracing import Trace, run
from voxstack.utterance import Utterance


def pull(block: StreamableBlock, source: Frames, utterance: Utterance) -> Frames:
    """Yield the chunks of a block, so that an error in them is this block's, whatever its stream is made of.

    If the utterance has a trace, the block is timed.

    :raises TypeError: for a chunk that is not an array, and for a stream that is no iterator.
    """
    frames = block.stream(source, utterance)
    if not isinstance(frames, Iterable) or isinstance(frames, np.ndarray):
        raise TypeError(f"stream() returned {type(frames).__name__}; yield numpy arrays, time on axis 0")
    trace: Trace | None = utterance.get("trace")
    try:
        for chunk in frames if trace is None else trace.chunks(block, frames):
            if not isinstance(chunk, np.ndarray):
                raise TypeError(f"gave a chunk of type {type(chunk).__name__}; yield numpy arrays, time on axis 0")
            yield chunk
    finally:
        close(frames)


def check_declarations(block: Block) -> None:
    """Check the types of all that a loaded block declares, so that an error in them is this block's.

    :raises PluginError: naming the property.
    """
    names = dict.fromkeys(("needs", "gives"), (Set, "a frozenset of names"))
    kinds: dict[str, tuple[Any, str]] = {
        **names,
        "limits": (Mapping, "a mapping from names to steps"),
        "head": (bool, "True or False"),
        "takes": (str | None, "a name or None"),
        "makes": (str | None, "a name or None"),
        "lookahead": (int, "a number of steps"),
        "lookback": (int | None, "a number of steps or None"),
        "hop": (int | float, "output steps per source step"),
        "output_rate": (int | None, "a sample rate or None"),
        "chunk_sizes": (tuple, "a tuple of sizes"),
    }
    for name, (kind, what) in kinds.items():
        if hasattr(type(block), name) and not isinstance(value := getattr(block, name), kind):
            raise PluginError(f"{name} is {value!r:.80}, and must be {what}; correct the plugin")


def located(error: BaseException, where: str = "stack", name: str = "") -> tuple[str, str]:
    """Return the path of the block that raised an error, and a description of the error.

    :param where: path of the block whose code was called, and ``name`` its class, if the traceback shows no other.
    """
    block = innermost_block(_frames(error.__traceback__))
    if block is not None and (block.stack_path or not name):
        where, name = block.stack_path or where, type(block).__name__
    text = describe(error)
    if isinstance(error, KeyError):
        text += "; if that is a name of the utterance, declare it in needs"
    elif isinstance(error, TypeError) and "positional argument" in text:
        text += "; blocks define stream(self, source, utterance) or __call__(self, utterance), and load(self, addon)"
    return where, text if not name or text.partition(": ")[2].startswith(name) else f"{name}: {text}"


def explain_misfit(error: NetworkError, blocks: Sequence[StreamableBlock]) -> None:
    """Complete an error about the number of features by where they come from.

    :param blocks: adjacent blocks, one of which raised it.
    """
    block = innermost_block(_frames(error.__traceback__)) if error.misfit else None
    index = next((index for index, each in enumerate(blocks) if each is block), 0)
    maker = next((each for each in reversed(blocks[:index]) if each.makes_features), None)
    if maker is not None:
        parts = " + ".join(f"{count} of {name}" for name, count in maker.makes_features.items())
        place = f"{type(maker).__name__} at {maker.stack_path or 'the head'}"
        error.args = (f"{error}; {place} gives {parts}: correct its fields, or the network",)
        error.misfit = False


def innermost_block(frames: Iterable[FrameType]) -> Block | None:
    """Return the innermost block at work in frames, the outermost frame first.

    Blocks that stand in no stack, such as those that a block makes for itself, count only where there are no others.
    """
    found: Block | None = None
    for frame in frames:
        owner = frame.f_locals.get("block" if frame.f_code in (pull.__code__, run.__code__) else "self")
        if isinstance(owner, Block) and (owner.stack_path or found is None):
            found = owner
    return found


def _frames(trace: TracebackType | None) -> Iterator[FrameType]:
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next
