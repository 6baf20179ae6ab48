"""Benchmarks of an addon: its contexts side by side, and the best context for each network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from voxstack import Registry
from voxstack.networks import ContextLike
from voxstack.networks.addon import Addon
from voxstack_addon_spec import open_addon
from voxstack_bench.candidates import Candidate, find_candidates
from voxstack_bench.contexts import context_to_json
from voxstack_bench.golden.golden_checks import LIMIT
from voxstack_bench.interleaving import Run, RunStarter, measure_in_turns
from voxstack_bench.machine import fingerprint
from voxstack_bench.placement import placement_store
from voxstack_bench.placement.selection import (
    Goal,
    best_context,
    compose_context,
    describe_placement,
    place_networks,
)
from voxstack_bench.process.worker import TIMEOUT
from voxstack_bench.results import PLACEMENT, Benchmark, Measurement
from voxstack_bench.texts import benchmark_request


def bench(
    addon: str | Path,
    contexts: Iterable[ContextLike] | None = None,
    *,
    text: str | None = None,
    repeat: int = 5,
    goal: Goal = "balanced",
    save: bool = True,
    limit: float = LIMIT,
    trust: bool = False,
    registry: Registry | None = None,
    timeout: float = TIMEOUT,
    progress: Callable[[str], None] = lambda line: None,
) -> Benchmark:
    """Measure an addon in several contexts, in turns, and then the best placement of its networks against them.

    Each context has a process of its own, which uses the installed plugins, whatever ``registry`` is.

    :param contexts: contexts to measure; None: all that the addon names and all devices of this machine.
    :param text: the text to synthesize; None: the default text for English voices, the golden text for others.
    :param repeat: number of measurements of each context, after one that does not count.
    :param goal: what is best (:data:`voxstack_bench.placement.selection.CRITERIA`).
    :param save: store the best context for ``context="auto"``.
    :param limit: as for :func:`voxstack_bench.check`; a context beyond it is measured but cannot be the best.
    :param trust: run code in the addon; addons installed with pip are trusted.
    :param registry: locates the addon and resolves contexts; by default the installed plugins.
    :param timeout: seconds that each request to a process may take.
    :param progress: receives one line per step.
    :raises VoxstackError: if there is no such addon or context, or no text to synthesize.
    """
    registry = registry or Registry.installed()
    path, installed = registry.locate(addon)
    trust = trust or installed
    with open_addon(path) as files, ExitStack() as processes:
        config = files.config
        spoken, controls = benchmark_request(files, text)
        candidates, broken = find_candidates(files, registry, contexts, trust, progress)
        starter = RunStarter(str(path), trust, timeout, limit, spoken, controls, progress, processes)
        runs = [starter.start(candidate) for candidate in candidates]
        measure_in_turns(runs, repeat, progress)
        plan = _plan(runs, goal, Addon(files, registry, None, trust))
        if plan is not None and plan.composed is not None:
            progress(f"{PLACEMENT}: {plan.description}")
            context = Addon(files, registry, plan.composed, trust).context
            runs.append(starter.start(Candidate(PLACEMENT, plan.composed, context, False)))
            measure_in_turns(runs, repeat, progress)
    benchmark = _benchmark(config, broken, runs, plan, goal, repeat, spoken)
    return _save(benchmark, config) if save and benchmark.best is not None else benchmark


@dataclass(frozen=True)
class _Plan:
    """The best place of each network.

    :param composed: JSON of the context that has every network in its place; None if a single context does.
    """

    times: Mapping[str, Mapping[str, float]]
    places: Mapping[str, str]
    composed: dict[str, Any] | None
    description: str


def _plan(runs: Sequence[Run], goal: Goal, addon: Addon) -> _Plan | None:
    """Return the placement that the times of the networks suggest, or None if no context is correct."""
    roles = {name: spec.role for name, spec in addon.networks.items()}
    correct = _correct(runs)
    if not correct:
        return None
    base = best_context(goal, {label: run.measurement() for label, run in correct.items()})
    rows = {label: run.networks() for label, run in correct.items()}
    figure = "first_s" if goal == "latency" else "seconds"
    times = {
        name: {label: getattr(row[name], figure) for label, row in rows.items() if name in row and row[name].calls}
        for name in roles
    }
    times = {name: row for name, row in times.items() if any(row.values())}
    places = place_networks(times, base)
    contexts = {label: run.candidate.context for label, run in correct.items()}
    return _Plan(times, places, compose_context(contexts, places, base, roles), describe_placement(places, base))


def _correct(runs: Sequence[Run]) -> dict[str, Run]:
    return {run.candidate.label: run for run in runs if run.is_correct()}


def _benchmark(
    config: Mapping[str, Any],
    broken: Mapping[str, str],
    runs: Sequence[Run],
    plan: _Plan | None,
    goal: Goal,
    repeat: int,
    text: str,
) -> Benchmark:
    failed = (Measurement(label, label, False, "fail", reason) for label, reason in broken.items())
    correct = _correct(runs)
    best = best_context(goal, {label: run.measurement() for label, run in correct.items()}) if correct else None
    description = "" if best is None else plan.description if plan and best == PLACEMENT else f"all in {best}"
    return Benchmark(
        addon=config["name"],
        version=config["version"],
        machine=fingerprint(),
        goal=goal,
        repeat=repeat,
        text=text,
        audio_s=next((run.audio_s for run in runs if run.audio_s), None),
        contexts=(*failed, *(run.measurement() for run in runs)),
        times=plan.times if plan else {},
        places=plan.places if plan else {},
        best=best,
        context=None if best is None else context_to_json(correct[best].candidate.context),
        description=description,
    )


def _save(benchmark: Benchmark, config: Mapping[str, Any]) -> Benchmark:
    """Store the best context, and return the benchmark with the file."""
    assert benchmark.context is not None, "the best context has a JSON form"
    best = next(row for row in benchmark.contexts if row.context == benchmark.best)
    figures = {"ttfa_s": best.ttfa_s, "rtf": best.rtf, "cpu": best.cpu}
    summary = f"{benchmark.description}: RTF {best.rtf:.3g}, first audio after {best.ttfa_s:.3g} s"
    file = placement_store.save(config, benchmark.context, summary, benchmark.goal, figures)
    return replace(benchmark, saved=str(file))
