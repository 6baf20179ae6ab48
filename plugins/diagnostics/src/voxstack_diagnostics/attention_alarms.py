"""The block ``AttentionAlarms``, which raises alarms while a decoder runs."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from voxstack import Frames, NetworkError, StreamableBlock, StreamableWrapper, Utterance
from voxstack.blocks import Available, field_path
from voxstack.streaming.faults import pull
from voxstack_diagnostics.attention_monitor import Alarm, AlarmLimits, AttentionMonitor
from voxstack_diagnostics.stream_reports import append, check_path, log_end, report_end

_LOG = logging.getLogger("voxstack.attention")


@dataclass
class AttentionAlarms(StreamableWrapper):
    """Runs a decoder that attends to the text, and raises an alarm if it does not read all of it, once, and then stop.

    The stream is unchanged. Alarms come with the chunk in which they are detected: as events of kind ``alarm`` with the
    audio, and as warnings in the log ``voxstack.attention``. When a stream ends, one line with its steps, focus rate
    and coverage goes to that log (INFO). The kinds:

    ``skipped``: tokens were passed without being attended. ``repeated``: the attention went back. ``stuck``: it stayed
    on one token. ``unfocused``: it was spread over many tokens. ``no stop``: the decoder was stopped by its limit.
    ``cut off``: it stopped before the end of the text.

    The block inside must call the utterance's ``attention_watch``, as ``AutoregressiveDecoder`` does.

    :param block: the decoder.
    :param skipped: the fewest adjacent tokens passed that are an alarm.
    :param least: the least attention of a token, summed over steps, below which it counts as passed.
    :param repeated: the fewest tokens back from the furthest one that are an alarm.
    :param stuck: the most steps on one token that are no alarm.
    :param focus: the least mean of the largest weight of each step that is no alarm.
    :param focus_steps: the number of steps over which that mean is taken.
    :param path: file to which one line of JSON is appended for each stream; its folder must exist.
    """

    block: StreamableBlock
    skipped: int = field(default=2, metadata={"minimum": 1, "maximum": 1_000_000})
    least: float = field(default=0.1, metadata={"exclusiveMinimum": 0})
    repeated: int = field(default=2, metadata={"minimum": 1, "maximum": 1_000_000})
    stuck: int = field(default=20, metadata={"minimum": 1, "maximum": 1_000_000})
    focus: float = field(default=0.4, metadata={"minimum": 0, "maximum": 1})
    focus_steps: int = field(default=10, metadata={"minimum": 1, "maximum": 1_000_000})
    path: str | None = None

    @property
    def inner(self) -> StreamableBlock:
        return self.block

    def load(self, addon: object) -> None:
        check_path(self.path, addon)

    def check_needs(self, available: Available, path: str) -> Available:
        return self.block.check_needs(available, field_path(path, "block"))

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        limits = AlarmLimits(self.skipped, self.least, self.repeated, self.stuck, self.focus, self.focus_steps)
        watch = _AttentionWatch(limits, utterance)
        with report_end(lambda end: self._report(watch, end)):
            yield from pull(self.block, source, {**utterance, "attention_watch": watch})

    def _report(self, watch: _AttentionWatch, end: str) -> None:
        row = watch.row
        values = ", ".join(f"{key} {value:.3g}" for key, value in row.items() if isinstance(value, int | float))
        log_end(_LOG, end, "%s: %s; alarms: %s", end, values or "no attention", watch.summary)
        append(self.path, end, {"end": end, **row, "alarms": dict(watch.counts)}, _LOG)


class _AttentionWatch:
    """The callable through which the decoder of one utterance reports its attention."""

    def __init__(self, limits: AlarmLimits, utterance: Utterance) -> None:
        self.counts: Counter[str] = Counter()
        self._limits, self._timeline = limits, utterance.get("timeline")
        self._phones = list(utterance.get("phones", ()))
        self._monitor: AttentionMonitor | None = None

    def __call__(self, attention: np.ndarray | None, frames: int, stopped: bool = True) -> None:
        """Monitor the attention of a chunk, or the end of the stream.

        :param attention: (steps, tokens) of a chunk, or None after the last one.
        :param frames: frames per step.
        :param stopped: at the end: whether the network stopped by itself.
        """
        if attention is not None:
            self._check(attention)
            self._monitor = self._monitor or AttentionMonitor(self._limits, attention.shape[1])
            alarms = list(self._monitor.add(attention))
        else:
            alarms = list(self._monitor.end(stopped)) if self._monitor else []
        for alarm in alarms:
            self._raise(alarm, frames)

    def _check(self, attention: np.ndarray) -> None:
        """Check the attention of a chunk.

        :raises NetworkError: if it is not (steps, tokens), with as many tokens as before.
        """
        fits = attention.ndim == 2 and attention.dtype.kind in "biuf"
        if not fits or (self._monitor is not None and attention.shape[1] != self._monitor.tokens):
            tokens = "tokens" if self._monitor is None else self._monitor.tokens
            raise NetworkError(
                f"AttentionAlarms: attention is (steps, {tokens}), real numbers; the decoder gave {attention.dtype} "
                f"{attention.shape}"
            )

    @property
    def row(self) -> dict[str, Any]:
        """The figures of the attention so far, as JSON."""
        return self._monitor.row if self._monitor else {}

    @property
    def summary(self) -> str:
        """The number of alarms of each kind."""
        return ", ".join(f"{count} {kind}" for kind, count in self.counts.items()) or "none"

    def _raise(self, alarm: Alarm, frames: int) -> None:
        first, stop = alarm.tokens
        where = f"token {first}" if stop - first == 1 else f"tokens {first} to {stop - 1}"
        phones = f" ({' '.join(self._phones[first:stop][:12])})" if self._phones else ""
        self.counts[alarm.kind] += 1
        _LOG.warning("%s at step %d: %s%s", alarm.kind, alarm.step, where, phones)
        if self._timeline is not None:
            self._timeline.add("alarm", f"{alarm.kind}: {where}{phones}", alarm.step * frames, 0)
