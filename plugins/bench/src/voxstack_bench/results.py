"""Results of checks and benchmarks: plain dataclasses with a JSON form."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

from voxstack.networks import ContextLike
from voxstack_bench.golden.golden_checks import Comparison, State
from voxstack_bench.placement.selection import Goal

PLACEMENT = "placement"
"""Label of the composed context."""

_KEYS = {"requested": "asked", "description": "told", "subject": "what"}
"""Keys of the JSON form that differ from the names of the fields."""


@dataclass(frozen=True)
class Figures:
    """Speed and size of a voice in one context; None where there was nothing to measure.

    :param load_s: seconds from the start of a fresh process to a voice that is ready.
    :param ttfa_s: seconds to the first audio of the first request after that.
    :param rtf: real-time factor of the next request: seconds of computing per second of audio.
    :param memory_mb: peak main memory in MB, without the networks that only the check opens.
    """

    load_s: float | None = None
    ttfa_s: float | None = None
    rtf: float | None = None
    memory_mb: float | None = None


@dataclass(frozen=True)
class ContextReport:
    """The check of an addon in one context.

    :param requested: the context as it was requested; None: the addon's own default.
    :param explicit: whether the caller requested this context, so that it has to be available.
    :param state: ``fail`` if anything failed, ``not checked`` if nothing was compared, ``unavailable`` if the context
        is unavailable here.
    :param reason: of a failure or unavailability that the rows do not explain.
    :param effective: the context of each network as it took effect (:class:`voxstack.networks.Effective`, as
        mappings).
    """

    context: str
    requested: ContextLike | None
    explicit: bool
    state: State | Literal["unavailable"]
    reason: str = ""
    rows: tuple[Comparison, ...] = ()
    figures: Figures = Figures()
    effective: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Report:
    """The check of an addon in all its contexts.

    :param limit: the largest error that passed.
    """

    addon: str
    version: str
    limit: float
    contexts: tuple[ContextReport, ...]

    @property
    def passed(self) -> bool:
        """True if something was compared, nothing failed, and every requested context was available."""
        bad = any(row.state == "fail" or (row.state == "unavailable" and row.explicit) for row in self.contexts)
        return not bad and any(row.state == "pass" for row in self.contexts)

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain values, including ``passed``."""
        return {**_to_json(self), "passed": self.passed}


@dataclass(frozen=True)
class Spread:
    """Median, minimum and maximum of a repeated measurement."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Return the spread of at least one value."""
        ordered = sorted(values)
        return cls(statistics.median(ordered), ordered[0], ordered[-1])


@dataclass(frozen=True)
class NetworkTime:
    """Medians for one network and the whole text: calls, seconds, CPU seconds, and seconds until the first audio."""

    calls: float
    seconds: float
    cpu_seconds: float
    first_s: float


@dataclass(frozen=True)
class Measurement:
    """The measurement of one context.

    :param requested: the context as it was requested; None: the addon's own default.
    :param explicit: whether the caller requested this context.
    :param state: ``measured``; ``unavailable`` if the context is unavailable here; ``fail`` if it failed, with the
        ``reason``.
    :param checked: whether its output is correct (:func:`voxstack_bench.check`), with the comparisons in ``rows``.
    :param load_s: seconds from the start of a fresh process to a voice that is ready.
    :param memory_mb: peak main memory in MB, after the text was synthesized once.
    :param first_audio: seconds to the first audio of a stream.
    :param real_time_factor: seconds per second of audio, synthesized as fast as possible.
    :param processor: CPU seconds per second of audio, summed over all threads.
    :param networks: times of each network.
    :param waste: by network, the share of the computed steps that was padding or computed twice.
    :param effective: the context of each network as it took effect (:class:`voxstack.networks.Effective`, as
        mappings).
    """

    context: str
    requested: ContextLike | None
    explicit: bool
    state: Literal["measured", "unavailable", "fail"]
    reason: str = ""
    checked: State = "not checked"
    rows: tuple[Comparison, ...] = field(default=(), repr=False)
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
        """Median seconds to the first audio; infinite if not measured."""
        return self.first_audio.median if self.first_audio else float("inf")

    @property
    def rtf(self) -> float:
        """Median real-time factor; infinite if not measured."""
        return self.real_time_factor.median if self.real_time_factor else float("inf")

    @property
    def cpu(self) -> float:
        """Median CPU seconds per second of audio; infinite if not measured."""
        return self.processor.median if self.processor else float("inf")


@dataclass(frozen=True)
class Benchmark:
    """The measurements of an addon in several contexts, and the best one.

    :param machine: on which it was measured (:func:`voxstack_bench.machine.fingerprint`).
    :param repeat: number of measurements of each context.
    :param audio_s: seconds of audio of the text.
    :param times: seconds by network and context that decided the placement: until the first audio for the goal
        ``latency``, otherwise of the whole text; only of contexts whose output is correct.
    :param places: the best context for each network.
    :param best: label of the best context, ``placement`` if it is the composed one; None if no context is correct.
    :param context: the best context, as JSON.
    :param description: of the best context, in words.
    :param saved: the file in which it is stored for ``context="auto"``.
    """

    addon: str
    version: str
    machine: Mapping[str, Any]
    goal: Goal
    repeat: int
    text: str
    audio_s: float | None
    contexts: tuple[Measurement, ...]
    times: Mapping[str, Mapping[str, float]]
    places: Mapping[str, str]
    best: str | None
    context: Mapping[str, Any] | None
    description: str
    saved: str | None = None

    @property
    def complete(self) -> bool:
        """True if there is a best context, nothing failed, and every requested context was available."""
        bad = any(row.state == "fail" or (row.state == "unavailable" and row.explicit) for row in self.contexts)
        return self.best is not None and not bad

    def as_json(self) -> dict[str, Any]:
        """Return the benchmark as plain values."""
        values: dict[str, Any] = _to_json(self)
        return values


def _to_json(value: Any) -> Any:
    if is_dataclass(value):
        return {_KEYS.get(item.name, item.name): _to_json(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {key: _to_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(inner) for inner in value]
    return value
