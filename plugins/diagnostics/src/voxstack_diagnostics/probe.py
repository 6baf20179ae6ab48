"""What goes by."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from voxstack import Frames, StreamableBlock, Utterance
from voxstack_diagnostics import reports
from voxstack_diagnostics.tally import Tally

_LOG = logging.getLogger("voxstack.probe")


@dataclass
class Probe(StreamableBlock):
    """Passes a stream of any kind through untouched, and reports what went by.

    When the stream has ended, failed, or was closed early, one line goes to the log ``voxstack.probe`` (INFO): chunks, steps,
    shape, dtype, and of the finite values the least, the greatest, the mean and the root mean square; NaNs and infinities are
    counted. The first step with one of those, and a shape or dtype that changes on the way, is a warning when it goes by.

    :param name: said in every report, to tell probes apart.
    :param path: file that gets one line of JSON for each stream, appended; its folder must exist.
    """

    name: str = "probe"
    path: str | None = None

    def load(self, addon: object) -> None:
        reports.check_folder(self.path)

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        tally = Tally()
        with reports.following(lambda end: self._report(tally, end)):
            for chunk in source:
                fine, steady = tally.first_bad is None, tally.first_change is None
                tally.add(chunk)
                if fine and tally.first_bad is not None:
                    _LOG.warning(
                        "%s: a NaN or infinity at step %d (chunk %d)", self.name, tally.first_bad, tally.chunks - 1
                    )
                if steady and tally.first_change is not None:
                    _LOG.warning("%s: the stream changes at %s", self.name, tally.first_change)
                yield chunk

    def _report(self, tally: Tally, end: str) -> None:
        row = tally.row()
        told = ", ".join(f"{name} {_short(value)}" for name, value in row.items())
        _LOG.info("%s: %s: %s", self.name, end, told)
        reports.append(self.path, {"probe": self.name, "end": end, **row}, _LOG)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
