"""The steps for which each token was attended, where the attention itself goes from the first token to the last."""

from __future__ import annotations

from typing import Protocol

import numpy as np

LAG = 2
"""Tokens by which the attention must have passed a token before its steps are final: adjacent tokens share steps."""


class Alignment(Protocol):
    """Steps of each token, found while the steps are decoded."""

    steps: np.ndarray
    """(tokens,), the steps of each token so far."""
    passed: int
    """Number of leading tokens whose steps are final."""

    def add(self, attention: np.ndarray, ended: bool) -> None:
        """Align more steps.

        :param attention: (steps, tokens), weights of sum 1.
        :param ended: whether these were the last steps.
        """
        ...


class AttendedSteps:
    """The weights of each token, added up: a token that shares a step has its share of it.

    :param tokens: number of tokens.
    """

    def __init__(self, tokens: int) -> None:
        self.steps = np.zeros(tokens)
        self.passed = 0

    def add(self, attention: np.ndarray, ended: bool) -> None:
        """Add the weights of more steps, (steps, tokens)."""
        self.steps += attention.sum(0)
        self.passed = len(self.steps) if ended else max(self.passed, int(attention.argmax(1).max()) - LAG + 1)
