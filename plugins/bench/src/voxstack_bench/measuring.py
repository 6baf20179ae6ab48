"""Measures an addon in several contexts side by side, and finds out in which each network is best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from voxstack import Registry, RequestError
from voxstack.networks import ContextLike
from voxstack.networks.addon import Addon
from voxstack_addon_spec import AddonFiles, open_addon
from voxstack_bench import golden, placing, storing
from voxstack_bench.asking import Candidate, Tell, candidates, sample_text, spelled
from voxstack_bench.checking import LIMIT
from voxstack_bench.figures import PLACEMENT, Benchmark, Measured
from voxstack_bench.machine import fingerprint
from voxstack_bench.placing import Goal
from voxstack_bench.process import TIMEOUT
from voxstack_bench.turns import Run, Starter, in_turns


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
    tell: Tell = lambda line: None,
) -> Benchmark:
    """Measure an addon in several contexts, in turns, and then the best place of each network against them.

    Each context has a process of its own, which uses the installed plugins, whatever ``registry`` says.

    :param contexts: those to measure; None: all that the addon names and all devices of this machine.
    :param text: what is said; a text of ours for voices that speak English, else that of the golden samples.
    :param repeat: how often each says it, after once that does not count.
    :param goal: what is best (:data:`voxstack_bench.placing.STEPS`).
    :param save: keep the best context for ``context="auto"``.
    :param limit: as for :func:`voxstack_bench.check`; a context that is not within it is measured, and never the best.
    :raises VoxstackError: if there is no such addon or context, or nothing to say.
    """
    registry = registry or Registry.installed()
    place, installed = registry.locate(addon)
    trust = trust or installed
    with open_addon(place) as files, ExitStack() as processes:
        said, controls = _request(files, text)
        tried, broken = candidates(files, registry, contexts, trust, tell)
        start = Starter(str(place), trust, timeout, limit, said, controls, tell, processes)
        runs = [start(candidate) for candidate in tried]
        in_turns(runs, repeat, tell)
        reference = Addon(files, registry, None, trust)
        plan = _plan(runs, goal, {name: spec.role for name, spec in reference.networks.items()})
        if plan is not None and plan.composed is not None:
            tell(f"{PLACEMENT}: {plan.told}")
            context = Addon(files, registry, plan.composed, trust).context
            runs.append(start(Candidate(PLACEMENT, plan.composed, context, False)))
            for run in runs:
                run.said.clear()  # what is compared was measured in the same turns
            in_turns(runs, repeat, tell)
        config = files.config
    failed = [Measured(label, label, False, "fail", reason) for label, reason in broken.items()]
    found = _found(config, runs, plan, goal, repeat, said)
    found = replace(found, contexts=(*failed, *found.contexts))
    return _saved(found, config) if save and found.best is not None else found


@dataclass(frozen=True)
class _Plan:
    """Where each network would be best, and the context that does it, if no single one does."""

    times: Mapping[str, Mapping[str, float]]
    places: Mapping[str, str]
    composed: dict[str, Any] | None
    told: str


def _plan(runs: list[Run], goal: Goal, roles: Mapping[str, str]) -> _Plan | None:
    """:returns: None if no context is right."""
    right = {run.candidate.label: run for run in runs if run.is_right()}
    if not right:
        return None
    base = placing.choose(goal, {label: run.measured() for label, run in right.items()})
    rows = {label: run.networks() for label, run in right.items()}
    key = "first_s" if goal == "latency" else "seconds"
    times = {
        name: {label: getattr(row[name], key) for label, row in rows.items() if name in row and row[name].calls}
        for name in roles
    }
    times = {name: row for name, row in times.items() if any(row.values())}
    chosen = placing.places(times, base)
    context = placing.composed({label: run.candidate.context for label, run in right.items()}, chosen, base, roles)
    return _Plan(times, chosen, context, placing.told(chosen, base))


def _found(
    config: Mapping[str, Any], runs: Sequence[Run], plan: _Plan | None, goal: Goal, repeat: int, text: str
) -> Benchmark:
    right = {run.candidate.label: run for run in runs if run.is_right()}
    best = placing.choose(goal, {label: run.measured() for label, run in right.items()}) if right else None
    return Benchmark(
        addon=config["name"],
        version=config["version"],
        machine=fingerprint(),
        goal=goal,
        repeat=repeat,
        text=text,
        audio_s=next((run.audio_s for run in runs if run.audio_s), None),
        contexts=tuple(run.measured() for run in runs),
        times=plan.times if plan else {},
        places=plan.places if plan else {},
        best=best,
        context=None if best is None else spelled(right[best].candidate.context),
        told="" if best is None else plan.told if plan and best == PLACEMENT else f"all in {best}",
    )


def _request(files: AddonFiles, text: str | None) -> tuple[str, Mapping[str, Any]]:
    """The text to say, and the controls that belong to it."""
    config = files.config
    if not config.get("stack"):
        raise RequestError(
            f"{config['name']} has no stack: it lends its networks to others, so measure a voice that borrows them"
        )
    if text is not None or (text := sample_text(config)) is not None:
        return text, {}
    found = golden.speech(files)
    if found is None:
        raise RequestError(
            f"{config['name']} speaks {', '.join(config['languages'])}, and there is no text of ours for it; give one with --text"
        )
    return found.text, found.controls


def _saved(found: Benchmark, config: Mapping[str, Any]) -> Benchmark:
    assert found.context is not None, "what is saved is a context"
    best = next(row for row in found.contexts if row.context == found.best)
    figures = {"ttfa_s": best.ttfa_s, "rtf": best.rtf, "cpu": best.cpu}
    told = f"{found.told}: RTF {best.rtf:.3g}, first audio after {best.ttfa_s:.3g} s"
    return replace(found, saved=str(storing.save(config, found.context, told, found.goal, figures)))
