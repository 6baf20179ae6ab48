"""Checks of an addon: whether every context computes what was recorded when the addon was built."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from voxstack import Registry
from voxstack.networks import ContextLike
from voxstack_addon_spec import open_addon
from voxstack_bench.candidates import Candidate, find_candidates
from voxstack_bench.golden.golden_checks import LIMIT, judge, overall_state
from voxstack_bench.process.worker import TIMEOUT, Unavailable, Worker, WorkerError
from voxstack_bench.results import ContextReport, Figures, Report
from voxstack_bench.texts import sample_text


def check(
    addon: str | Path,
    contexts: Iterable[ContextLike] | None = None,
    *,
    limit: float = LIMIT,
    trust: bool = False,
    registry: Registry | None = None,
    timeout: float = TIMEOUT,
    progress: Callable[[str], None] = lambda line: None,
) -> Report:
    """Compare every network and the whole stack of an addon with its golden vectors, each context in a fresh process.

    The processes use the installed plugins, whatever ``registry`` is.

    :param contexts: contexts that have to be available; None: all that the addon names and all devices of this
        machine, of which unavailable ones are only reported.
    :param limit: largest difference that passes, relative to the largest magnitude in the golden output.
    :param trust: run code in the addon; addons installed with pip are trusted.
    :param registry: locates the addon and resolves contexts; by default the installed plugins.
    :param timeout: seconds that loading and the comparison may take, each.
    :param progress: receives one line per step.
    :raises VoxstackError: if there is no such addon or no such context.
    """
    registry = registry or Registry.installed()
    path, installed = registry.locate(addon)
    trust = trust or installed
    with open_addon(path) as files:
        config = files.config
        candidates, broken = find_candidates(files, registry, contexts, trust, progress)
    reports = [ContextReport(label, label, False, "fail", reason) for label, reason in broken.items()]
    for candidate in candidates:
        progress(f"{candidate.label}: checking")
        reports.append(_check_context(str(path), candidate, trust, limit, timeout, sample_text(config)))
    return Report(config["name"], config["version"], limit, tuple(reports))


def _check_context(
    path: str, candidate: Candidate, trust: bool, limit: float, timeout: float, text: str | None
) -> ContextReport:
    identity = (candidate.label, candidate.requested, candidate.explicit)
    with Worker(candidate.threads, timeout) as worker:
        try:
            load_s = worker.call("open", addon=path, context=candidate.requested, trust=trust)["load_s"]
        except Unavailable as error:
            return ContextReport(*identity, "unavailable", str(error))
        except WorkerError as error:
            return ContextReport(*identity, "fail", str(error))
        try:
            result = worker.call("check", text=text)
        except WorkerError as error:
            return ContextReport(*identity, "fail", str(error), figures=Figures(load_s))
    rows = judge(result["outcomes"], limit, candidate.explicit)
    speech, facts = result["figures"], result["facts"]
    figures = Figures(load_s, speech.get("ttfa_s"), speech.get("rtf"), facts["memory_mb"])
    return ContextReport(*identity, overall_state(rows), "", rows, figures, tuple(facts["effective"]))
