"""Interleaved measurement: each context runs in a worker process of its own, and the contexts take turns.

A machine that drifts (temperature, other load) then does so under all of them.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

from voxstack_bench.candidates import Candidate
from voxstack_bench.golden.golden_checks import Comparison, judge, overall_state
from voxstack_bench.process.worker import Unavailable, Worker, WorkerError
from voxstack_bench.results import Measurement, NetworkTime, Spread

SpeechFigures = Mapping[str, Any]
"""The result of :meth:`voxstack_bench.process.session.Session.speak`."""


@dataclass
class Run:
    """One context while it is measured.

    :param facts: the result of :meth:`voxstack_bench.process.session.Session.facts`.
    :param figures: one entry per turn.
    :param speak: takes a turn in the worker process.
    """

    candidate: Candidate
    state: Literal["measured", "unavailable", "fail"] = "measured"
    reason: str = ""
    load_s: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    rows: tuple[Comparison, ...] = ()
    figures: list[SpeechFigures] = field(default_factory=list)
    speak: Callable[[], SpeechFigures] = dict
    audio_s: float | None = None

    def fail(self, reason: str, unavailable: bool = False) -> None:
        """Mark the context as failed or unavailable."""
        self.state, self.reason = "unavailable" if unavailable else "fail", reason

    def is_correct(self) -> bool:
        """Return whether it was measured and its output passed the check."""
        return self.state == "measured" and bool(self.figures) and overall_state(self.rows) == "pass"

    def networks(self) -> dict[str, NetworkTime]:
        """Return the medians of each network."""
        rows = [figures["networks"] for figures in self.figures]
        keys = ("calls", "seconds", "cpu_seconds", "first_s")
        names = rows[0] if rows else ()
        return {
            name: NetworkTime(*(statistics.median(row[name][key] for row in rows) for key in keys)) for name in names
        }

    def measurement(self) -> Measurement:
        """Return the result so far."""
        candidate, facts = self.candidate, self.facts
        waste = {name: _waste(plugins) for name, plugins in facts.get("stats", {}).items()}
        return Measurement(
            context=candidate.label,
            requested=candidate.requested,
            explicit=candidate.explicit,
            state=self.state,
            reason=self.reason,
            checked=overall_state(self.rows),
            rows=self.rows,
            load_s=self.load_s,
            memory_mb=facts.get("memory_mb"),
            first_audio=self._spread("ttfa_s"),
            real_time_factor=self._spread("rtf"),
            processor=self._spread("cpu"),
            networks=self.networks(),
            waste={name: share for name, share in waste.items() if share is not None},
            effective=tuple(facts.get("effective", ())),
        )

    def _spread(self, key: str) -> Spread | None:
        return Spread.of(figures[key] for figures in self.figures) if self.figures else None


@dataclass(frozen=True)
class RunStarter:
    """Starts the worker process of a context: loads the voice, synthesizes the text once, and checks the output.

    :param path: of the addon.
    :param timeout: limit of each request, in seconds.
    :param limit: largest error that passes the check.
    :param processes: ends the worker processes.
    """

    path: str
    trust: bool
    timeout: float
    limit: float
    text: str
    controls: Mapping[str, Any]
    progress: Callable[[str], None]
    processes: ExitStack

    def start(self, candidate: Candidate) -> Run:
        """Return the run of a context; a failure is recorded in it."""
        run = Run(candidate)
        worker = self.processes.enter_context(Worker(candidate.threads, self.timeout))
        run.speak = lambda: worker.call("speak", text=self.text, controls=dict(self.controls))
        source = {"addon": self.path, "context": candidate.requested, "trust": self.trust}
        try:
            run.load_s = worker.call("open", **source, timed=True)["load_s"]
            run.audio_s = run.speak()["audio_s"]
            run.facts = worker.call("facts")
            run.rows = judge(worker.call("check")["outcomes"], self.limit, candidate.explicit)
        except WorkerError as error:
            run.fail(str(error), isinstance(error, Unavailable))
            worker.close(kill=True)
            self.progress(f"{candidate.label}: {run.state}: {error}")
            return run
        wrong = ", ".join(row.subject for row in run.rows if row.state == "fail")
        note = f"; WRONG in {wrong}, so it is measured but cannot be the best" if wrong else ""
        self.progress(f"{candidate.label}: loaded in {run.load_s:.2f} s{note}")
        return run


def measure_in_turns(runs: Sequence[Run], repeat: int, progress: Callable[[str], None]) -> None:
    """Let all runs that have not failed take ``repeat`` turns, whose figures replace those of earlier turns.

    Only figures of the same turns can be compared.
    """
    for run in runs:
        run.figures.clear()
    active = {run.candidate.label: run for run in runs if run.state == "measured"}
    for label, figures in interleave({label: run.speak for label, run in active.items()}, repeat, progress):
        if "failed" in figures:
            active[label].fail(figures["failed"])
            progress(f"{label}: {figures['failed']}")
        else:
            active[label].figures.append(figures)


def interleave(
    speakers: Mapping[str, Callable[[], SpeechFigures]], rounds: int, progress: Callable[[str], None]
) -> Iterator[tuple[str, SpeechFigures]]:
    """Yield the name and the figures of each turn; each of the ``rounds`` rounds begins with another speaker.

    A failing speaker is reported once, as ``{"failed": reason}``, and dropped.
    """
    names = list(speakers)
    failed: set[str] = set()
    for index in range(rounds):
        progress(f"round {index + 1} of {rounds}")
        first = index % len(names) if names else 0
        for name in names[first:] + names[:first]:
            if name in failed:
                continue
            try:
                yield name, speakers[name]()
            except WorkerError as error:
                failed.add(name)
                yield name, {"failed": str(error)}


def _waste(plugins: Mapping[str, Mapping[str, Any]]) -> float | None:
    """Return the share of wasted steps that the plugin for fixed sizes reports among the counters of a network."""
    return next((float(stats["waste"]) for stats in plugins.values() if "waste" in stats), None)
