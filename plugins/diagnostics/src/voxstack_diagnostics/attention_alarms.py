"""Live alarms of attention that goes wrong."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from voxstack import Frames, StreamableBlock, StreamableWrapper, Utterance
from voxstack.blocks import Available, field_path
from voxstack_diagnostics import reports
from voxstack_diagnostics.attention import Alarm, Limits, Watch

_LOG = logging.getLogger("voxstack.attention")


@dataclass
class AttentionAlarms(StreamableWrapper):
    """Runs a decoder that attends to the text, changes nothing, and gives alarm when it does not say all of it, once, and then stops.

    Alarms come with the chunk in which they are seen: as events of kind ``alarm`` with the audio, and as warnings in the log
    ``voxstack.attention``. When a stream ends, one line with its steps, focus rate and coverage goes to that log (INFO). The kinds:

    ``skipped``: tokens were passed without being attended. ``repeated``: it went back. ``stuck``: it stayed on one token.
    ``unfocused``: it looked everywhere at once. ``no stop``: it was stopped by its limit. ``cut off``: it stopped before the end.

    The block inside must call the utterance's ``attention_watch``, as ``AutoregressiveDecoder`` does.

    :param block: the decoder.
    :param skipped: neighbouring tokens from which on it is an alarm that they were passed,
    :param least: with less attention each, in steps.
    :param repeated: tokens back from the furthest one from which on that is an alarm.
    :param stuck: steps on one token, beyond which that is one.
    :param focus: least mean of the largest weight of a step,
    :param focus_steps: over so many steps.
    :param path: file that gets one line of JSON for each stream, appended; its folder must exist.
    """

    block: StreamableBlock
    skipped: int = field(default=2, metadata={"minimum": 1})
    least: float = field(default=0.1, metadata={"exclusiveMinimum": 0})
    repeated: int = field(default=2, metadata={"minimum": 1})
    stuck: int = field(default=20, metadata={"minimum": 1})
    focus: float = field(default=0.4, metadata={"minimum": 0, "maximum": 1})
    focus_steps: int = field(default=10, metadata={"minimum": 1})
    path: str | None = None

    @property
    def inner(self) -> StreamableBlock:
        return self.block

    def load(self, addon: object) -> None:
        reports.check_folder(self.path)

    def check_needs(self, given: Available, path: str) -> Available:
        return self.block.check_needs(given, field_path(path, "block"))

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        limits = Limits(self.skipped, self.least, self.repeated, self.stuck, self.focus, self.focus_steps)
        follower = _Follower(limits, utterance)
        with reports.following(lambda end: self._report(follower, end)):
            yield from self.block.stream(source, {**utterance, "attention_watch": follower})

    def _report(self, follower: _Follower, end: str) -> None:
        row = follower.row
        told = ", ".join(f"{key} {value:.3g}" for key, value in row.items() if isinstance(value, int | float))
        _LOG.info("%s: %s; alarms: %s", end, told or "no attention", follower.told)
        reports.append(self.path, {"end": end, **row, "alarms": dict(follower.counts)}, _LOG)


class _Follower:
    """What the decoder of one utterance calls."""

    def __init__(self, limits: Limits, utterance: Utterance) -> None:
        self.counts: Counter[str] = Counter()
        self._limits, self._timeline = limits, utterance.get("timeline")
        self._phones = list(utterance.get("phones", ()))
        self._watch: Watch | None = None

    def __call__(self, attention: np.ndarray | None, frames: int, stopped: bool = True) -> None:
        """:param attention: (steps, tokens) of a chunk, or None after the last one.
        :param frames: frames a step.
        :param stopped: at the end: whether the network stopped by itself.
        """
        if attention is not None:
            self._watch = self._watch or Watch(self._limits, attention.shape[1])
            alarms = list(self._watch.follow(attention))
        else:
            alarms = list(self._watch.end(stopped)) if self._watch else []
        for alarm in alarms:
            self._give(alarm, frames)

    @property
    def row(self) -> dict[str, Any]:
        """The figures of what was followed, as JSON."""
        return self._watch.row if self._watch else {}

    @property
    def told(self) -> str:
        """The alarms that there were."""
        return ", ".join(f"{count} {kind}" for kind, count in self.counts.items()) or "none"

    def _give(self, alarm: Alarm, frames: int) -> None:
        first, stop = alarm.tokens
        where = f"token {first}" if stop - first == 1 else f"tokens {first} to {stop - 1}"
        phones = f" ({' '.join(self._phones[first:stop][:12])})" if self._phones else ""
        self.counts[alarm.kind] += 1
        _LOG.warning("%s at step %d: %s%s", alarm.kind, alarm.step, where, phones)
        if self._timeline is not None:
            self._timeline.add("alarm", f"{alarm.kind}: {where}{phones}", alarm.step * frames, 0)
