"""Whether an addon gives in every context what it gave where it was made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from voxstack import Registry
from voxstack.networks import ContextLike
from voxstack_addon_spec import open_addon
from voxstack_bench.asking import Candidate, Tell, candidates, sample_text
from voxstack_bench.process import TIMEOUT, Unavailable, Worker, WorkerError

LIMIT = 1e-3
"""How far an output may be from its golden vector, as a part of the largest magnitude in that."""

State = Literal["pass", "fail", "not checked"]


@dataclass(frozen=True)
class Row:
    """One comparison in one context.

    :param what: a network, one of its forms, or ``speech``: the whole stack.
    :param error: largest difference, as a part of the largest magnitude of the golden output; None: not compared.
    :param note: what is wrong, or why it was not checked.
    """

    what: str
    state: State
    error: float | None
    note: str = ""


@dataclass(frozen=True)
class Figures:
    """How fast and large it was; None where there was nothing to measure.

    :param load_s: seconds from a fresh process to a voice that can speak.
    :param ttfa_s: seconds to the first audio of the first words after that.
    :param rtf: seconds that making a second of speech took after that.
    :param memory_mb: MB of main memory at the most, networks that only the check opens not counted.
    """

    load_s: float | None = None
    ttfa_s: float | None = None
    rtf: float | None = None
    memory_mb: float | None = None


@dataclass(frozen=True)
class Checked:
    """An addon in one context.

    :param state: ``fail`` if anything failed, ``not checked`` if nothing was compared, ``unavailable`` if it cannot be had here.
    :param reason: why it failed or is unavailable, if that is not in the rows.
    :param explicit: whether somebody asked for this context, so that it has to be there.
    :param effective: what each network ran in (``voxstack.contexts.Effective`` as mappings).
    """

    context: str
    asked: ContextLike | None
    explicit: bool
    state: State | Literal["unavailable"]
    reason: str = ""
    rows: tuple[Row, ...] = ()
    figures: Figures = Figures()
    effective: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Report:
    """What a check found."""

    addon: str
    version: str
    limit: float
    contexts: tuple[Checked, ...]

    @property
    def passed(self) -> bool:
        """Whether something was compared, nothing failed, and every context that was asked for was there."""
        bad = any(found.state == "fail" or (found.state == "unavailable" and found.explicit) for found in self.contexts)
        return not bad and any(found.state == "pass" for found in self.contexts)

    def as_json(self) -> dict[str, Any]:
        """Plain values, ``passed`` among them."""
        return {**asdict(self), "passed": self.passed}


def check(
    addon: str | Path,
    contexts: Iterable[ContextLike] | None = None,
    *,
    limit: float = LIMIT,
    trust: bool = False,
    registry: Registry | None = None,
    timeout: float = TIMEOUT,
    tell: Tell = lambda line: None,
) -> Report:
    """Compare every network and the whole stack with the golden vectors of an addon, each context in a fresh process.

    The processes use the installed plugins, whatever ``registry`` says.

    :param contexts: those that have to be there; None: all that the addon names and all devices of this machine, of which those that
        cannot be had are only told.
    :param limit: largest difference, as a part of the largest magnitude in the golden output.
    :param registry: where the addon and what contexts stand for are looked up.
    :param timeout: seconds that loading and the comparison may take, each.
    :raises VoxstackError: if there is no such addon, or no such context.
    """
    registry = registry or Registry.installed()
    place, installed = registry.locate(addon)
    trust = trust or installed
    with open_addon(place) as files:
        config = files.config
        tried, broken = candidates(files, registry, contexts, trust, tell)
    found = [Checked(label, label, False, "fail", reason) for label, reason in broken.items()]
    for candidate in tried:
        tell(f"{candidate.label}: checking")
        found.append(_checked(str(place), candidate, trust, limit, timeout, sample_text(config)))
    return Report(config["name"], config["version"], limit, tuple(found))


def judged(rows: Iterable[Mapping[str, Any]], limit: float, explicit: bool) -> tuple[Row, ...]:
    """Return what a worker compared, with its verdict: what is not known to be within the limit fails.

    :param explicit: whether this context has to be there, and so a network that cannot be had fails.
    """
    made = []
    for row in rows:
        what, error, problem = row["what"], row["error"], row["problem"]
        if problem is not None and row["unavailable"] and not explicit:
            made.append(Row(what, "not checked", None, f"cannot be had here: {problem}"))
        elif problem is not None:
            made.append(Row(what, "fail", error, problem))
        elif error is None:
            made.append(Row(what, "not checked", None, row["note"]))
        else:
            made.append(Row(what, "pass" if error <= limit else "fail", error, row["note"]))
    return tuple(made)


def verdict(rows: Iterable[Row]) -> State:
    """Return what comparisons come to together: one that fails is enough, and so is one that passes where none does."""
    states = {row.state for row in rows}
    return next((state for state in _WEIGHTIEST if state in states), "not checked")


_WEIGHTIEST: tuple[State, ...] = ("fail", "pass")


def _checked(place: str, candidate: Candidate, trust: bool, limit: float, timeout: float, text: str | None) -> Checked:
    head = (candidate.label, candidate.asked, candidate.explicit)
    with Worker(candidate.threads, timeout) as worker:
        try:
            opened = worker.ask("open", addon=place, context=candidate.asked, trust=trust)
        except Unavailable as error:
            return Checked(*head, "unavailable", str(error))
        except WorkerError as error:
            return Checked(*head, "fail", str(error))
        try:
            found = worker.ask("check", text=text)
        except WorkerError as error:
            return Checked(*head, "fail", str(error), figures=Figures(opened["load_s"]))
    rows = judged(found["rows"], limit, candidate.explicit)
    said, facts = found["figures"], found["facts"]
    figures = Figures(opened["load_s"], said.get("ttfa_s"), said.get("rtf"), facts["memory_mb"])
    return Checked(*head, verdict(rows), "", rows, figures, tuple(facts["effective"]))
