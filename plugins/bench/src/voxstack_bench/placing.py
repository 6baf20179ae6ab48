"""Which context is best, and which would be for each network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, Protocol

from voxstack.networks import Context
from voxstack_bench.asking import same, spelled

Goal = Literal["balanced", "latency", "throughput"]

STEPS: Mapping[Goal, tuple[tuple[str, float], ...]] = {
    "balanced": (("ttfa_s", 1.2), ("rtf", 1.05), ("cpu", 1.05)),
    "latency": (("ttfa_s", 1.05), ("rtf", 1.05), ("cpu", 1.05)),
    "throughput": (("rtf", 1.05), ("cpu", 1.05)),
}
"""How the best is chosen: of those left, the ones are kept whose figure is at most so many times the smallest one."""

GAIN = 0.95
"""A network is moved only where it takes less than so many times what it takes in the best single context."""


class Figured(Protocol):
    """Something with the figures that :data:`STEPS` names."""

    @property
    def ttfa_s(self) -> float: ...
    @property
    def rtf(self) -> float: ...
    @property
    def cpu(self) -> float: ...


def choose(goal: Goal, figures: Mapping[str, Figured]) -> str:
    """Return the key of the best figures; of equally good ones, the first.

    :raises ValueError: if there are none.
    """
    left = list(figures)
    for key, factor in STEPS[goal]:
        least = min(getattr(figures[name], key) for name in left)
        left = [name for name in left if getattr(figures[name], key) <= factor * least]
    return left[0]


def places(times: Mapping[str, Mapping[str, float]], base: str) -> dict[str, str]:
    """Return for each network the context in which it takes least time; ``base``, unless another gains enough.

    :param times: seconds by network and context; a network that was not called has none.
    """
    found = {}
    for network, row in times.items():
        best = min(row, key=row.__getitem__, default=base)
        found[network] = best if base not in row or row[best] < GAIN * row[base] else base
    return found


def composed(
    contexts: Mapping[str, Context], chosen: Mapping[str, str], base: str, roles: Mapping[str, str]
) -> dict[str, Any] | None:
    """Return the context, as JSON has it, that puts each network where it was chosen to be; None if one of the contexts does that.

    :param contexts: by their key.
    :param chosen: a key for each network that was called; the others stay where they are in ``base``.
    :param roles: the role of each network of the addon.
    """
    where = {name: _place(contexts[chosen.get(name, base)], name, role) for name, role in roles.items()}
    for context in contexts.values():
        if all(same(_place(context, name, roles[name]), where[name]) for name in chosen):
            return None
    bare = replace(contexts[base], networks={})
    networks = {name: spelled(place) for name, place in where.items() if not same(place, replace(bare, schedule={}))}
    return {**spelled(bare), "networks": networks}


def _place(context: Context, name: str, role: str) -> Context:
    """Where a network runs, without what belongs to a whole voice."""
    return replace(context.for_network(name, role), networks={}, schedule={})


def told(chosen: Mapping[str, str], base: str) -> str:
    """Return a placement in words: ``decoder in openvino:CPU, the rest in default``."""
    moved: dict[str, list[str]] = {}
    for network, label in chosen.items():
        if label != base:
            moved.setdefault(label, []).append(network)
    parts = [f"{' and '.join(names)} in {label}" for label, names in moved.items()]
    return ", ".join([*parts, f"the rest in {base}" if parts else f"all in {base}"])
