"""Whether a decoder that attends to the text says all of it, once, and then stops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Limits:
    """What counts as gone wrong; see ``AttentionAlarms``."""

    skipped: int
    least: float
    repeated: int
    stuck: int
    focus: float
    focus_steps: int


@dataclass(frozen=True)
class Alarm:
    """Something that went wrong at a step.

    :param kind: ``skipped``, ``repeated``, ``stuck``, ``unfocused``, ``no stop`` or ``cut off``.
    :param step: number of the step at which it was seen.
    :param tokens: the tokens that it is about, first and the one behind the last.
    """

    kind: str
    step: int
    tokens: tuple[int, int]


@dataclass
class Watch:
    """Follows the attention of one utterance and tells what goes wrong, as soon as it can be seen.

    The token attended most in a step is its position. Coverage of a token is the sum of its attention (Tu et al. 2016), focus of a
    step its largest weight, whose mean over an utterance FastSpeech calls the focus rate (Ren et al. 2019).

    :param tokens: of the utterance.
    """

    limits: Limits
    tokens: int
    steps: int = 0
    focus: float = 0.0
    _coverage: np.ndarray = field(init=False)
    _furthest: int = -1  # the furthest position so far
    _last: int = -1
    _stay: int = 0
    _recent: list[float] = field(default_factory=list)
    _checked: int = 0  # tokens whose coverage was looked at
    _unfocused: bool = False
    _behind: bool = False  # it went back, and has not come to where it was

    def __post_init__(self) -> None:
        self._coverage = np.zeros(self.tokens)

    def follow(self, attention: np.ndarray) -> Iterator[Alarm]:
        """Take in steps, (steps, tokens), and yield what is seen to go wrong in them."""
        for row in attention:
            self._coverage += row
            position = int(row.argmax())
            yield from self._moved(position)
            yield from self._focused(float(row[position]))
            self._last = position
            self.steps += 1

    def end(self, stopped: bool) -> Iterator[Alarm]:
        """Yield what went wrong in the whole, after the last step.

        :param stopped: whether the network stopped by itself, or was stopped.
        """
        if not stopped:
            yield Alarm("no stop", self.steps, (max(self._last, 0), self.tokens))
        reached = self._furthest + 1
        yield from self._skipped(min(reached, self.tokens))
        if stopped and self.tokens - reached >= self.limits.skipped:
            yield Alarm("cut off", self.steps, (reached, self.tokens))

    @property
    def row(self) -> dict[str, Any]:
        """The figures, as JSON: ``coverage`` is the share of tokens that were attended."""
        covered = float(np.mean(self._coverage >= self.limits.least)) if self.tokens else 1.0
        return {
            "steps": self.steps,
            "tokens": self.tokens,
            "focus_rate": self.focus / max(self.steps, 1),
            "coverage": covered,
        }

    def _moved(self, position: int) -> Iterator[Alarm]:
        if not self._behind and self._furthest - position >= self.limits.repeated:
            yield Alarm("repeated", self.steps, (position, self._furthest))
        self._behind = self._furthest - position >= (1 if self._behind else self.limits.repeated)
        self._stay = self._stay + 1 if position == self._last else 1
        if self._stay == self.limits.stuck + 1:
            yield Alarm("stuck", self.steps, (position, position + 1))
        if position > self._furthest:
            self._furthest = position
            yield from self._skipped(position - 1)  # the neighbour may still get its share

    def _skipped(self, stop: int) -> Iterator[Alarm]:
        """Runs of tokens before ``stop`` that were passed without being attended, those told already left out."""
        passed = self._coverage[self._checked : max(stop, self._checked)] < self.limits.least
        bounds = np.flatnonzero(np.diff(np.concatenate([[False], passed, [False]]).astype(np.int8)))
        open_end = self._checked + len(passed)
        for first, last in zip(bounds[::2], bounds[1::2], strict=True):
            run = (self._checked + int(first), self._checked + int(last))
            if (
                run[1] == open_end
                and stop < self.tokens
                and self._furthest < self.tokens - 1
                and run[1] - run[0] < self.limits.skipped
            ):
                open_end = run[0]  # it may go on
            elif run[1] - run[0] >= self.limits.skipped:
                yield Alarm("skipped", self.steps, run)
        self._checked = open_end

    def _focused(self, weight: float) -> Iterator[Alarm]:
        self.focus += weight
        self._recent = [*self._recent[-self.limits.focus_steps + 1 :], weight]
        low = len(self._recent) == self.limits.focus_steps and sum(self._recent) / len(self._recent) < self.limits.focus
        if low and not self._unfocused:
            yield Alarm("unfocused", self.steps, (self._last, self._last + 1))
        self._unfocused = low
