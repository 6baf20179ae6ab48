"""The block ``ProbeSequence``, which reports what a sequence block reads and gives."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from voxstack import SequenceBlock, Utterance
from voxstack.blocks import Available, field_path
from voxstack.streaming.tracing import run
from voxstack_diagnostics.running_statistics import RunningStatistics
from voxstack_diagnostics.stream_reports import short_repr, write_late_lines

_LOG = logging.getLogger("voxstack.probe")
_MAX_CHARACTERS = 60  # of a value that is not an array


@dataclass
class ProbeSequence(SequenceBlock):
    """Runs a sequence block, changes nothing, and logs the utterance it got, the entries it gave, and the time it took.

    One line for each entry goes to the log ``voxstack.probe`` (INFO): shape, dtype, minimum and maximum of arrays, the
    first characters of other values. A NaN or infinity in the results is a warning.

    :param block: the block to observe.
    :param name: part of every line, to tell probes apart.
    """

    block: SequenceBlock
    name: str = "probe"

    @property
    def needs(self) -> frozenset[str]:
        return self.block.needs

    @property
    def gives(self) -> frozenset[str]:
        return self.block.gives

    def check_needs(self, available: Available, path: str) -> Available:
        return self.block.check_needs(available, field_path(path, "block"))

    def __call__(self, utterance: Utterance) -> Utterance:
        write_late_lines()
        for name, value in {**utterance}.items():
            _LOG.info("%s: got %s: %s", self.name, name, _describe(value))
        start = time.perf_counter()
        results = run(self.block, utterance)
        _LOG.info("%s: %s took %.2f ms", self.name, type(self.block).__name__, 1000 * (time.perf_counter() - start))
        for name, value in results.items() if isinstance(results, Mapping) else ():
            _LOG.info("%s: gave %s: %s", self.name, name, _describe(value))
            if isinstance(value, np.ndarray) and value.dtype.kind == "f" and not np.isfinite(value).all():
                _LOG.warning("%s: %s contains a NaN or infinity", self.name, name)
        return results


def _describe(value: Any) -> str:
    if not (isinstance(value, np.ndarray) and value.dtype.kind in "biuf"):
        text = short_repr(value)
        return text if len(text) <= _MAX_CHARACTERS else text[: _MAX_CHARACTERS - 3] + "..."
    statistics = RunningStatistics()
    statistics.add(np.atleast_1d(value))
    row = statistics.row()
    limits = "" if row["min"] is None else f", {row['min']:.4g} to {row['max']:.4g}"
    bad = f", {row['nans']} NaN, {row['infs']} infinite" if row["nans"] or row["infs"] else ""
    return f"{value.shape} {value.dtype.name}{limits}{bad}"
