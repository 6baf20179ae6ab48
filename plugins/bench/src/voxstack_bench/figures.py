"""What a benchmark found, as plain dataclasses."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from voxstack.networks import ContextLike
from voxstack_bench.checking import Row
from voxstack_bench.placing import Goal

PLACEMENT = "placement"
"""What the composed context is called."""


@dataclass(frozen=True)
class Spread:
    """Median, least and most of what was measured several times."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Of at least one value."""
        found = sorted(values)
        return cls(statistics.median(found), found[0], found[-1])


@dataclass(frozen=True)
class NetworkTime:
    """Medians of what one network took for the whole text: calls, seconds, seconds of CPU, and seconds until the first audio."""

    calls: float
    seconds: float
    cpu_seconds: float
    first_s: float


@dataclass(frozen=True)
class Measured:
    """One context.

    :param state: ``measured``; ``unavailable`` if it cannot be had here; ``fail`` if it broke, with the ``reason``.
    :param checked: whether what it says is right (:func:`voxstack_bench.check`), and the comparisons in ``rows``.
    :param load_s: seconds from a fresh process to a voice that can speak.
    :param memory_mb: MB of main memory at the most, after the text was said once.
    :param first_audio: seconds to the first audio of a stream.
    :param real_time_factor: seconds that a second of audio took, made as fast as it goes.
    :param processor: seconds of CPU that it took, all threads added up.
    :param waste: by network, the part of the computed steps that was padding or computed again.
    :param effective: what each network ran in (``voxstack.contexts.Effective`` as mappings).
    """

    context: str
    asked: ContextLike | None
    explicit: bool
    state: Literal["measured", "unavailable", "fail"]
    reason: str = ""
    checked: Literal["pass", "fail", "not checked"] = "not checked"
    rows: tuple[Row, ...] = field(default=(), repr=False)
    load_s: float | None = None
    memory_mb: float | None = None
    first_audio: Spread | None = None
    real_time_factor: Spread | None = None
    processor: Spread | None = None
    networks: Mapping[str, NetworkTime] = field(default_factory=dict)
    waste: Mapping[str, float] = field(default_factory=dict)
    effective: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)

    @property
    def ttfa_s(self) -> float:
        """The median."""
        return self.first_audio.median if self.first_audio else float("inf")

    @property
    def rtf(self) -> float:
        """The median."""
        return self.real_time_factor.median if self.real_time_factor else float("inf")

    @property
    def cpu(self) -> float:
        """The median."""
        return self.processor.median if self.processor else float("inf")


@dataclass(frozen=True)
class Benchmark:
    """What was found.

    :param machine: what it was measured on (:func:`voxstack_bench.machine.fingerprint`).
    :param audio_s: seconds of speech in the text.
    :param times: by network and context, the seconds that decided where it is best: those until the first audio for the goal
        ``latency``, else those of the whole text; only contexts whose results are right.
    :param places: the best context for each network.
    :param best: label of the best context, ``placement`` if it is the composed one; None if no context is right.
    :param context: that context, as JSON has it.
    :param told: what it is, in words.
    :param saved: where it is kept for ``context="auto"``.
    """

    addon: str
    version: str
    machine: Mapping[str, Any]
    goal: Goal
    repeat: int
    text: str
    audio_s: float | None
    contexts: tuple[Measured, ...]
    times: Mapping[str, Mapping[str, float]]
    places: Mapping[str, str]
    best: str | None
    context: Mapping[str, Any] | None
    told: str
    saved: str | None = None

    @property
    def complete(self) -> bool:
        """Whether there is a best context, nothing broke, and every context that was asked for was there."""
        bad = [m for m in self.contexts if m.state == "fail" or (m.state == "unavailable" and m.explicit)]
        return self.best is not None and not bad

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)
