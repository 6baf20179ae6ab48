"""A monitor of attention, for decoders that should read all of their text, once, and then stop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class AlarmLimits:
    """The limits of normal attention; see the fields of ``AttentionAlarms``."""

    skipped: int
    min_coverage: float
    repeated: int
    stuck: int
    focus: float
    focus_steps: int


@dataclass(frozen=True)
class Alarm:
    """A defect of the attention.

    :param kind: ``skipped``, ``repeated``, ``stuck``, ``unfocused``, ``no stop`` or ``cut off``.
    :param step: number of the step at which it was detected.
    :param tokens: the first and the past-the-end token that it concerns.
    """

    kind: str
    step: int
    tokens: tuple[int, int]


@dataclass
class AttentionMonitor:
    """Monitors the attention of one utterance and reports defects as soon as they can be detected.

    The position of a step is the token that it attends most. The coverage of a token is the sum of its attention (Tu et
    al. 2016), the focus of a step its largest weight, whose mean over an utterance FastSpeech calls the focus rate (Ren
    et al. 2019).

    :param tokens: number of tokens of the utterance.
    """

    limits: AlarmLimits
    tokens: int
    steps: int = 0
    focus: float = 0.0
    _coverage: np.ndarray = field(init=False)
    _furthest: int = -1  # the furthest position so far
    _last: int = -1
    _stay: int = 0
    _recent: list[float] = field(default_factory=list)
    _checked: int = 0  # tokens whose coverage has been checked
    _unfocused: bool = False
    _went_back: bool = False  # and has not reached its furthest position again

    def __post_init__(self) -> None:
        self._coverage = np.zeros(self.tokens)

    def add(self, attention: np.ndarray) -> Iterator[Alarm]:
        """Add steps, (steps, tokens), and yield the defects detected in them."""
        for row in attention if self.tokens else ():
            self._coverage += row
            position = int(row.argmax())
            yield from self._moved(position)
            yield from self._focused(float(row[position]))
            self._last = position
            self.steps += 1

    def end(self, stopped: bool) -> Iterator[Alarm]:
        """Yield the defects of the whole, after the last step.

        :param stopped: whether the network stopped by itself; otherwise its limit of steps stopped it.
        """
        if not stopped:
            yield Alarm("no stop", self.steps, (max(self._last, 0), self.tokens))
        reached = self._furthest + 1
        yield from self._skipped(min(reached, self.tokens))
        if stopped and self.tokens - reached >= self.limits.skipped:
            yield Alarm("cut off", self.steps, (reached, self.tokens))

    @property
    def row(self) -> dict[str, Any]:
        """The figures so far, as JSON: ``coverage`` is the share of tokens that were attended."""
        covered = float(np.mean(self._coverage >= self.limits.min_coverage)) if self.tokens else 1.0
        return {
            "steps": self.steps,
            "tokens": self.tokens,
            "focus_rate": self.focus / max(self.steps, 1),
            "coverage": covered,
        }

    def _moved(self, position: int) -> Iterator[Alarm]:
        if not self._went_back and self._furthest - position >= self.limits.repeated:
            yield Alarm("repeated", self.steps, (position, self._furthest))
        self._went_back = self._furthest - position >= (1 if self._went_back else self.limits.repeated)
        self._stay = self._stay + 1 if position == self._last else 1
        if self._stay == self.limits.stuck + 1:
            yield Alarm("stuck", self.steps, (position, position + 1))
        if position > self._furthest:
            self._furthest = position
            yield from self._skipped(position - 1)  # the adjacent token may still get its share

    def _skipped(self, stop: int) -> Iterator[Alarm]:
        """Yield runs of tokens before ``stop`` that were passed without being attended, each run once."""
        passed = self._coverage[self._checked : max(stop, self._checked)] < self.limits.min_coverage
        bounds = np.flatnonzero(np.diff(np.concatenate([[False], passed, [False]]).astype(np.int8)))
        open_end = self._checked + len(passed)
        for first, last in zip(bounds[::2], bounds[1::2], strict=True):
            run = (self._checked + int(first), self._checked + int(last))
            length = run[1] - run[0]
            if length >= self.limits.skipped:
                yield Alarm("skipped", self.steps, run)
            elif run[1] == open_end and stop < self.tokens and self._furthest < self.tokens - 1:
                open_end = run[0]  # the run may continue
        self._checked = open_end

    def _focused(self, weight: float) -> Iterator[Alarm]:
        self.focus += weight
        self._recent = [*self._recent[-self.limits.focus_steps + 1 :], weight]
        low = len(self._recent) == self.limits.focus_steps and sum(self._recent) / len(self._recent) < self.limits.focus
        if low and not self._unfocused:
            yield Alarm("unfocused", self.steps, (self._last, self._last + 1))
        self._unfocused = low
