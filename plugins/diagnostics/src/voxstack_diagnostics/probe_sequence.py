"""What an utterance holds."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from voxstack import SequenceBlock, Utterance
from voxstack.blocks import Available, field_path
from voxstack_diagnostics.tally import Tally

_LOG = logging.getLogger("voxstack.probe")
_LONGEST = 60  # characters of a value that is no array


@dataclass
class ProbeSequence(SequenceBlock):
    """Runs a sequence block, changes nothing, and logs what it got, what it made, and how long it took.

    One line for each name of the utterance goes to the log ``voxstack.probe`` (INFO): shape, dtype, least and greatest value of
    arrays, the beginning of all else. A NaN or infinity in what was made is a warning.

    :param block: what to look at.
    :param name: said in every line, to tell probes apart.
    """

    block: SequenceBlock
    name: str = "probe"

    @property
    def needs(self) -> frozenset[str]:
        return self.block.needs

    @property
    def gives(self) -> frozenset[str]:
        return self.block.gives

    def check_needs(self, given: Available, path: str) -> Available:
        return self.block.check_needs(given, field_path(path, "block"))

    def __call__(self, utterance: Utterance) -> Utterance:
        for name, value in {**utterance}.items():
            _LOG.info("%s: got %s: %s", self.name, name, _told(value))
        start = time.perf_counter()
        made = self.block(utterance)
        _LOG.info("%s: %s took %.2f ms", self.name, type(self.block).__name__, 1000 * (time.perf_counter() - start))
        for name, value in made.items():
            _LOG.info("%s: made %s: %s", self.name, name, _told(value))
            if isinstance(value, np.ndarray) and value.dtype.kind == "f" and not np.isfinite(value).all():
                _LOG.warning("%s: %s holds a NaN or infinity", self.name, name)
        return made


def _told(value: Any) -> str:
    if not (isinstance(value, np.ndarray) and value.dtype.kind in "biuf"):
        text = repr(value)
        return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
    tally = Tally()
    tally.add(np.atleast_1d(value))
    row = tally.row()
    within = "" if row["min"] is None else f", {row['min']:.4g} to {row['max']:.4g}"
    bad = f", {row['nans']} NaN, {row['infs']} infinite" if row["nans"] or row["infs"] else ""
    return f"{value.shape} {value.dtype.name}{within}{bad}"
