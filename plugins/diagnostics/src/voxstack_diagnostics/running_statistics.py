"""Statistics of arrays, updated chunk by chunk."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from voxstack import NetworkError


class RunningStatistics:
    """Statistics of one stream of chunks with time on axis 0; sums are float64, over finite values only."""

    def __init__(self) -> None:
        self.chunks = self.steps = self.nans = self.infs = 0
        self.first_bad: int | None = None  # number of the first step with a NaN or infinity
        self.first_change: str | None = None  # where the shape or dtype first differs from that of the first chunk
        self._form: tuple[tuple[int, ...], np.dtype[Any]] | None = None
        self._low, self._high = math.inf, -math.inf
        self._sum = self._squares = 0.0
        self._count = 0

    def add(self, chunk: np.ndarray) -> None:
        """Add one chunk of numbers; of complex ones, the magnitudes.

        :raises NetworkError: for anything else.
        """
        values = _numbers(chunk)
        form = (chunk.shape[1:], chunk.dtype)
        self._form = self._form or form
        if form != self._form and self.first_change is None:
            self.first_change = f"step {self.steps}: {_describe(*self._form)} becomes {_describe(*form)}"
        finite = np.isfinite(values)
        if not finite.all():
            self._add_bad(values, finite, values.size // len(chunk))
            values = values[finite]
        if values.size:
            self._low, self._high = min(self._low, float(values.min())), max(self._high, float(values.max()))
            with np.errstate(over="ignore"):  # then a statistic is infinite
                self._sum += float(values.sum())
                self._squares += float(np.dot(values, values))
            self._count += values.size
        self.chunks += 1
        self.steps += len(chunk)

    def row(self) -> dict[str, Any]:
        """Return the statistics, as JSON; those that need a finite value are None if there was none."""
        shape, dtype = ([self.steps, *self._form[0]], self._form[1].name) if self._form else ([0], None)
        some = self._count > 0
        return {
            "chunks": self.chunks,
            "steps": self.steps,
            "shape": shape,
            "dtype": dtype,
            "min": self._low if some else None,
            "max": self._high if some else None,
            "mean": self._sum / self._count if some else None,
            "rms": math.sqrt(self._squares / self._count) if some else None,
            "nans": self.nans,
            "infs": self.infs,
        }

    def _add_bad(self, values: np.ndarray, finite: np.ndarray, width: int) -> None:
        """Count the values that are not finite.

        :param values: (steps * width,), where ``width`` is the number of values per step.
        """
        if self.first_bad is None:
            self.first_bad = self.steps + int(np.argmin(finite)) // width
        nans = int(np.isnan(values).sum())
        self.nans += nans
        self.infs += int((~finite).sum()) - nans


def _numbers(chunk: np.ndarray) -> np.ndarray:
    """Return all values of a chunk, float64."""
    if not isinstance(chunk, np.ndarray) or not chunk.ndim:
        raise NetworkError(f"a stream has arrays with time on axis 0; the block before gave {_form(chunk)}")
    try:
        with np.errstate(all="ignore"):  # then a value is infinite
            return (np.abs(chunk) if chunk.dtype.kind == "c" else chunk).astype(np.float64).ravel()
    except (TypeError, ValueError) as error:
        raise NetworkError(f"a stream has numbers; the block before gave {_form(chunk)}") from error


def _form(chunk: object) -> str:
    return f"{chunk.dtype} {chunk.shape}" if isinstance(chunk, np.ndarray) else type(chunk).__name__


def _describe(shape: tuple[int, ...], dtype: np.dtype[Any]) -> str:
    return f"{dtype.name} ({', '.join(['steps', *map(str, shape)])})"
