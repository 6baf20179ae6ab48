"""The block ``NanGuard``, which finds values that are not finite."""

from __future__ import annotations

import inspect
import logging
from dataclasses import dataclass
from types import GeneratorType
from typing import Any, Literal

import numpy as np

from voxstack import Frames, NetworkError, StreamableBlock, StreamableStack, StreamableWrapper, Utterance
from voxstack.streaming.faults import pull
from voxstack.streaming.timeline import Timeline
from voxstack_diagnostics.stream_reports import CLOSED_EARLY, log_end, report_end, write_late_lines

_LOG = logging.getLogger("voxstack.nan_guard")


@dataclass
class NanGuard(StreamableBlock):
    """Finds NaNs and infinities in a stream of any kind, and names the block that gave them, and the step.

    Put it after the block that is suspected: filters and networks with states spread a NaN over all that follows, and
    the end of the stack refuses it far from its cause. Streams of finite values pass bit for bit, chunk by chunk.

    ``report`` and ``zero`` warn of the first value in the log ``voxstack.nan_guard``, report an event of kind
    ``alarm`` for each chunk that has some, and log their number at the end.

    :param action: ``error`` ends the stream with an error; ``report`` passes the values on; ``zero`` passes 0 instead.
    :param name: part of every report, to tell guards apart; by default the block before.
    """

    action: Literal["error", "report", "zero"] = "error"
    name: str | None = None

    lookback = 0

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        suspect = self.name or _block_before(source)
        timeline: Timeline | None = utterance.get("timeline")
        found = _Found()
        with report_end(lambda end: self._report(suspect, found, end)):
            for chunk in source:
                write_late_lines()
                finite = _finite(chunk)
                if finite is None or finite.all():
                    found.steps += len(chunk) if finite is not None else 0
                    yield chunk
                    continue
                step = found.add(chunk, finite)
                problem = f"{suspect} gave {_bad(chunk, finite)} at step {step}"
                if self.action == "error":
                    advice = "check its network and its inputs, or set action to 'zero' to speak on"
                    raise NetworkError(f"NanGuard: {problem}, with shape {chunk.shape[1:]} a step; {advice}")
                if found.chunks == 1:
                    _LOG.warning("%s", problem)
                if timeline is not None:
                    timeline.add("alarm", f"not finite: {suspect}", step, found.steps - step)
                yield np.where(finite, chunk, chunk.dtype.type(0)) if self.action == "zero" else chunk

    def _report(self, suspect: str, found: _Found, end: str) -> None:
        if found.values and self.action != "error":
            message = "%s: %s: %d values in %d of %d steps are not finite"
            log_end(_LOG, end, message, suspect, end, found.values, found.bad_steps, found.steps, level=logging.WARNING)
        elif end != CLOSED_EARLY:
            write_late_lines()


class _Found:
    """The values of one stream that are not finite."""

    def __init__(self) -> None:
        self.steps = self.chunks = self.values = self.bad_steps = 0

    def add(self, chunk: np.ndarray, finite: np.ndarray) -> int:
        """Count those of a chunk; return the step of the first."""
        bad = (~finite).reshape(len(chunk), -1)
        steps = bad.any(1)
        first = self.steps + int(steps.argmax())
        self.chunks += 1
        self.values += int(bad.sum())
        self.bad_steps += int(steps.sum())
        self.steps += len(chunk)
        return first


def _finite(chunk: Any) -> np.ndarray | None:
    """Return which values of a chunk are finite, or None for one that has no floating-point numbers."""
    if not isinstance(chunk, np.ndarray) or not chunk.ndim or chunk.dtype.kind not in "fc":
        return None
    finite: np.ndarray = np.isfinite(chunk)
    return finite


def _bad(chunk: np.ndarray, finite: np.ndarray) -> str:
    """Return the first value that is not finite, in words."""
    value = chunk[~finite][0]
    return "a NaN" if np.isnan(value) else "an infinity"


def _block_before(source: Frames) -> str:
    """Return the block that yields a stream, for errors: the last one of a composite, with its place in the stack."""
    block = None
    if isinstance(source, GeneratorType) and source.gi_code is pull.__code__:
        block = inspect.getgeneratorlocals(source).get("block")
    while isinstance(block, StreamableStack | StreamableWrapper):
        block = block.stack[-1] if isinstance(block, StreamableStack) else block.inner
    if block is None:
        return "the block before"
    return f"{block.stack_path} ({type(block).__name__})" if block.stack_path else type(block).__name__
