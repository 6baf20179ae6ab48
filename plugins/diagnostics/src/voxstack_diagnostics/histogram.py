"""The block ``Histogram``, which reports how often values occur in a stream."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, NetworkError, StackError, StreamableBlock, Utterance
from voxstack_diagnostics.running_histogram import QUANTILES, RunningHistogram, Scale
from voxstack_diagnostics.stream_reports import append, check_path, log_end, report_end, write_late_lines

_LOG = logging.getLogger("voxstack.histogram")


@dataclass
class Histogram(StreamableBlock):
    """Passes a stream of any kind through unchanged, and reports a histogram of its values.

    When the stream has ended, failed, or was closed early, one line goes to the log ``voxstack.histogram`` (INFO): the
    number of values, of those outside the bins, and quantiles. The counts of all bins go to ``path``; those of several
    streams can be added, as :meth:`.RunningHistogram.merge` does.

    :param low: lower end of the first bin.
    :param high: upper end of the last bin.
    :param bins: number of bins, all of one width.
    :param scale: ``linear`` counts the values, ``db`` their magnitudes in dB, where 1 is 0 dB.
    :param name: part of every report, to tell histograms apart.
    :param path: file to which one line of JSON is appended for each stream; its folder must exist.
    """

    low: float = -1.0
    high: float = 1.0
    bins: int = field(default=100, metadata={"minimum": 1, "maximum": 100_000})
    scale: Scale = "linear"
    name: str = "histogram"
    path: str | None = None

    def load(self, addon: object) -> None:
        if not self.low < self.high:
            raise StackError("high", f"{self.high:g} is not above low, {self.low:g}; exchange or correct them")
        check_path(self.path, addon)

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        histogram = RunningHistogram(self.low, self.high, self.bins, self.scale)
        with report_end(lambda end: self._report(histogram, end)):
            for chunk in source:
                write_late_lines()
                if not isinstance(chunk, np.ndarray) or chunk.dtype.kind not in "biufc":
                    form = chunk.dtype if isinstance(chunk, np.ndarray) else type(chunk).__name__
                    raise NetworkError(f"Histogram: takes arrays of numbers; the block before gave {form}")
                histogram.add(chunk)
                yield chunk

    def _report(self, histogram: RunningHistogram, end: str) -> None:
        found = [(share, histogram.quantile(share)) for share in QUANTILES]
        shown = ", ".join(f"{share:.0%} {value:.4g}" for share, value in found if value is not None)
        message = "%s: %s: %d values, %d below, %d above, %d not finite; quantiles: %s"
        counts = histogram.total, histogram.below, histogram.above, histogram.not_finite
        log_end(_LOG, end, message, self.name, end, *counts, shown or "none")
        append(self.path, end, {"histogram": self.name, "end": end, **histogram.row()}, _LOG)
