"""A monotonic alignment of steps with tokens, found while the steps are decoded."""

from __future__ import annotations

import numpy as np

MOVES = np.array([0.0, 0.7, 3.0, 5.0])
"""Costs, in nats, of staying on a token and of moving on by one, two and three: tokens are rarely skipped."""

FLOOR = 0.3
"""Part of an attention that says nothing, so that a step that attends elsewhere costs a path little."""

PRIOR = 10.0
"""Steps of even attention that the mean attention of each token begins with."""

BEAM = 12.0
"""Nats below the best path at which a path is given up."""

_SCALE = 64.0
_DEAD = -(2**40)


class MonotonicAlignment:
    """The most likely way of the steps through the tokens that never goes back, by the attention of each step.

    The attention of a language model has heads that follow the speech, and others that dwell on some tokens throughout.
    So a token scores by its weight relative to its mean weight so far. The way is that of Viterbi (1967,
    doi:10.1109/TIT.1967.1054010), which may stay on a token, go to the next one, or skip one or two. Each path carries
    its own last steps (register exchange). A step is final once all paths agree on it, and at the latest ``lag`` steps
    later, when paths that disagree with the best one are given up: a fixed lag, and so a fixed memory. A step that goes
    past tokens is shared by them.

    Scores are whole numbers of 1/64 nat, so that rounding of the attention decides no tie.

    :param tokens: number of tokens.
    :param lag: steps after which a step is final.
    """

    def __init__(self, tokens: int, lag: int) -> None:
        self.steps = np.zeros(tokens)
        """Steps of each token, as far as they are final."""
        self.passed = 0
        """Number of leading tokens whose steps are all final."""
        self._tokens, self._lag = np.arange(tokens), lag
        self._mean, self._seen = np.full(tokens, PRIOR / tokens), PRIOR
        self._last = -1  # token of the latest step that is final
        self._costs = np.rint(MOVES * _SCALE).astype(np.int64)[:, None]
        room = np.full(tokens + len(MOVES) - 1, _DEAD, np.int64)
        self._scores = room[len(MOVES) - 1 :]
        reversed_rows = np.lib.stride_tricks.sliding_window_view(room, tokens)
        self._sources = reversed_rows[::-1]  # (moves, tokens) scores of the tokens from which each is reached
        self._paths = np.zeros((lag + 1, tokens), np.int32)  # (steps that are not final, token) of each path, a ring
        self._oldest = self._open = 0  # the row of the oldest such step, and their number

    def add(self, attention: np.ndarray, ended: bool) -> None:
        """Align more steps.

        :param attention: (steps, tokens), weights of sum 1.
        :param ended: whether these were the last steps.
        """
        for row in attention.astype(np.float64):
            self._extend(self._score(row))
            self._settle()
        if ended:
            self._finish()

    def _score(self, weights: np.ndarray) -> np.ndarray:
        """Return how much a step is in favour of each token, in 1/64 nat."""
        self._mean += weights
        self._seen += 1
        floor = FLOOR / len(weights)
        score = np.log((weights + floor) / (self._mean / self._seen + floor))
        return np.rint(score * _SCALE, out=score).astype(np.int64)

    def _extend(self, score: np.ndarray) -> None:
        """Extend the paths by a step, and give up those that are far from the best."""
        scores, row = self._scores, (self._oldest + self._open) % len(self._paths)
        if self._last < 0 and not self._open:  # the first step goes to one of the first tokens
            first = min(len(MOVES), len(scores))
            scores[:first] = score[:first] - self._costs[:first, 0]
        else:
            reached = self._sources - self._costs
            moves = reached.argmax(0)
            scores[:] = reached[moves, self._tokens] + score
            self._paths = self._paths.take(self._tokens - np.minimum(moves, self._tokens), axis=1)
        self._paths[row] = self._tokens
        self._open += 1
        scores -= scores.max()
        scores[scores < -BEAM * _SCALE] = _DEAD

    def _settle(self) -> None:
        """Make the oldest steps final that all paths agree on, or that are older than the lag; never the latest."""
        while self._open > 1:
            path, alive = self._paths[self._oldest], self._scores > _DEAD
            reached = path[alive]
            token = int(reached[0])
            if (reached != token).any():
                if self._open <= self._lag:
                    return
                token = int(path[self._scores.argmax()])
                self._scores[path != token] = _DEAD
            self._assign(token)
            self._oldest = (self._oldest + 1) % len(self._paths)
            self._open -= 1

    def _finish(self) -> None:
        """Make all steps final: the last is that of the last token."""
        tokens = len(self.steps)
        end = tokens - 1 if self._scores[-1] > _DEAD else int(self._scores.argmax())
        rows = (self._oldest + np.arange(self._open)) % len(self._paths)
        path = self._paths[rows, end].tolist()
        for token in [*path[:-1], tokens - 1]:
            self._assign(token)
        self._open, self.passed = 0, tokens

    def _assign(self, token: int) -> None:
        """Give a step to a token, and to those that are skipped before it."""
        if token == self._last:
            self.steps[token] += 1
        else:
            self.steps[self._last + 1 : token + 1] += 1 / (token - self._last)
            self._last = self.passed = token
