"""Contexts that take turns, each in a process of its own."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

from voxstack_bench.asking import Candidate, Tell
from voxstack_bench.checking import Row, judged, verdict
from voxstack_bench.figures import Measured, NetworkTime, Spread
from voxstack_bench.process import Unavailable, Worker, WorkerError

Said = Mapping[str, Any]
"""What :meth:`voxstack_bench.work.Work.speak` returned."""


@dataclass
class Run:
    """One context while it is measured."""

    candidate: Candidate
    state: Literal["measured", "unavailable", "fail"] = "measured"
    reason: str = ""
    load_s: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    said: list[Said] = field(default_factory=list)
    speak: Callable[[], Said] = dict
    audio_s: float | None = None

    def fail(self, error: str, unavailable: bool = False) -> None:
        """It broke, or cannot be had."""
        self.state, self.reason = "unavailable" if unavailable else "fail", error

    def is_right(self) -> bool:
        """Whether it was measured, and what it says is right."""
        return self.state == "measured" and bool(self.said) and verdict(self.rows) == "pass"

    def networks(self) -> dict[str, NetworkTime]:
        """Medians of each network."""
        rows = [said["networks"] for said in self.said]
        keys = ("calls", "seconds", "cpu_seconds", "first_s")
        names = rows[0] if rows else ()
        return {
            name: NetworkTime(*(statistics.median(row[name][key] for row in rows) for key in keys)) for name in names
        }

    def measured(self) -> Measured:
        """What was found so far."""
        candidate, facts = self.candidate, self.facts
        return Measured(
            context=candidate.label,
            asked=candidate.asked,
            explicit=candidate.explicit,
            state=self.state,
            reason=self.reason,
            checked=verdict(self.rows),
            rows=self.rows,
            load_s=self.load_s,
            memory_mb=facts.get("memory_mb"),
            first_audio=self._spread("ttfa_s"),
            real_time_factor=self._spread("rtf"),
            processor=self._spread("cpu"),
            networks=self.networks(),
            waste={
                name: told for name, layers in facts.get("stats", {}).items() if (told := _waste(layers)) is not None
            },
            effective=tuple(facts.get("effective", ())),
        )

    def _spread(self, key: str) -> Spread | None:
        return Spread.of(said[key] for said in self.said) if self.said else None


@dataclass(frozen=True)
class Starter:
    """Starts a process for a context, loads, says the text once, and checks."""

    place: str
    trust: bool
    timeout: float
    limit: float
    text: str
    controls: Mapping[str, Any]
    tell: Tell
    processes: ExitStack

    def __call__(self, candidate: Candidate) -> Run:
        run = Run(candidate)
        worker = self.processes.enter_context(Worker(candidate.threads, self.timeout))
        try:
            run.load_s = worker.ask("open", addon=self.place, context=candidate.asked, trust=self.trust, clock=True)[
                "load_s"
            ]
            run.audio_s = worker.ask("speak", text=self.text, controls=dict(self.controls))["audio_s"]
            run.facts = worker.ask("facts")
            run.rows = judged(worker.ask("check")["rows"], self.limit, candidate.explicit)
        except WorkerError as error:
            run.fail(str(error), isinstance(error, Unavailable))
            worker.close(kill=True)
            self.tell(f"{candidate.label}: {run.state}: {error}")
            return run
        run.speak = lambda: worker.ask("speak", text=self.text, controls=dict(self.controls))
        wrong = [row.what for row in run.rows if row.state == "fail"]
        told = f"; WRONG in {', '.join(wrong)}, so it is measured and never the best" if wrong else ""
        self.tell(f"{candidate.label}: loaded in {run.load_s:.2f} s{told}")
        return run


def in_turns(runs: Sequence[Run], repeat: int, tell: Tell) -> None:
    """Let all that have not failed say the text, in turns."""
    alive = {run.candidate.label: run for run in runs if run.state == "measured"}
    for label, said in interleaved({label: run.speak for label, run in alive.items()}, repeat, tell):
        if "failed" in said:
            alive[label].fail(said["failed"])
            tell(f"{label}: {said['failed']}")
        else:
            alive[label].said.append(said)


def interleaved(speakers: Mapping[str, Callable[[], Said]], rounds: int, tell: Tell) -> Iterator[tuple[str, Said]]:
    """Yield what each gave, ``rounds`` times in turns that begin with another each time; one that fails is told, and has no more turns."""
    names = list(speakers)
    gone: set[str] = set()
    for number in range(rounds):
        tell(f"round {number + 1} of {rounds}")
        first = number % len(names) if names else 0
        for name in names[first:] + names[:first]:
            if name in gone:
                continue
            try:
                yield name, speakers[name]()
            except WorkerError as error:
                gone.add(name)
                yield name, {"failed": str(error)}


def _waste(layers: Mapping[str, Mapping[str, Any]]) -> float | None:
    """What the plugin that keeps to fixed sizes tells of it."""
    return next((float(stats["waste"]) for stats in layers.values() if "waste" in stats), None)
