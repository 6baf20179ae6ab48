"""The block ``Probe``, which reports the chunks of a stream."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from voxstack import Frames, StreamableBlock, Utterance
from voxstack_diagnostics.running_statistics import RunningStatistics
from voxstack_diagnostics.stream_reports import append, check_path, log_end, report_end, write_late_lines

_LOG = logging.getLogger("voxstack.probe")


@dataclass
class Probe(StreamableBlock):
    """Passes a stream of any kind through unchanged, and reports statistics of it.

    When the stream has ended, failed, or was closed early, one line goes to the log ``voxstack.probe`` (INFO): chunks,
    steps, shape, dtype, and the minimum, maximum, mean and root mean square of the finite values; NaNs and infinities
    are counted. The first step with one of those, and a change of shape or dtype, is a warning as soon as it passes. Of
    complex numbers, the magnitudes count.

    :param name: part of every report, to tell probes apart.
    :param path: file to which one line of JSON is appended for each stream; its folder must exist.
    """

    name: str = "probe"
    path: str | None = None

    def load(self, addon: object) -> None:
        check_path(self.path, addon)

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        statistics = RunningStatistics()
        with report_end(lambda end: self._report(statistics, end)):
            for chunk in source:
                write_late_lines()
                fine, steady = statistics.first_bad is None, statistics.first_change is None
                statistics.add(chunk)
                if fine and statistics.first_bad is not None:
                    step, index = statistics.first_bad, statistics.chunks - 1
                    _LOG.warning("%s: a NaN or infinity at step %d (chunk %d)", self.name, step, index)
                if steady and statistics.first_change is not None:
                    _LOG.warning("%s: the stream changes at %s", self.name, statistics.first_change)
                yield chunk

    def _report(self, statistics: RunningStatistics, end: str) -> None:
        row = statistics.row()
        values = ", ".join(f"{name} {_short(value)}" for name, value in row.items())
        log_end(_LOG, end, "%s: %s: %s", self.name, end, values)
        append(self.path, end, {"probe": self.name, "end": end, **row}, _LOG)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
