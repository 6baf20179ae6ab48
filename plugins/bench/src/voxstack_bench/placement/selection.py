"""Selection of the best context of an addon, and of the best context for each of its networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, Protocol

from voxstack.networks import Context
from voxstack_bench.contexts import are_equivalent, context_to_json

Goal = Literal["balanced", "latency", "throughput"]

CRITERIA: Mapping[Goal, tuple[tuple[str, float], ...]] = {
    "balanced": (("ttfa_s", 1.2), ("rtf", 1.05), ("cpu", 1.05)),
    "latency": (("ttfa_s", 1.05), ("rtf", 1.05), ("cpu", 1.05)),
    "throughput": (("rtf", 1.05), ("cpu", 1.05)),
}
"""The figures that decide, in order. Each keeps the contexts within this factor of the smallest figure."""

MOVE_FACTOR = 0.95
"""A network leaves the best single context only if another one takes less than this factor times its time there."""


class Metrics(Protocol):
    """Anything with the figures that :data:`CRITERIA` names; less is better."""

    @property
    def ttfa_s(self) -> float:
        """Seconds to the first audio of a stream."""

    @property
    def rtf(self) -> float:
        """Real-time factor: seconds of wall-clock time per second of audio."""

    @property
    def cpu(self) -> float:
        """Seconds of CPU time per second of audio."""


def best_context(goal: Goal, metrics: Mapping[str, Metrics]) -> str:
    """Return the key of the best metrics; of equally good ones, the first.

    :raises ValueError: if there are none.
    """
    left = list(metrics)
    for figure, factor in CRITERIA[goal]:
        smallest = min(getattr(metrics[name], figure) for name in left)
        left = [name for name in left if getattr(metrics[name], figure) <= factor * smallest]
    return left[0]


def place_networks(times: Mapping[str, Mapping[str, float]], base: str) -> dict[str, str]:
    """Return the fastest context for each network, or ``base`` unless another one gains enough.

    :param times: seconds by network and context; empty for a network that was not called.
    """
    places = {}
    for network, row in times.items():
        best = min(row, key=row.__getitem__, default=base)
        places[network] = best if base not in row or row[best] < MOVE_FACTOR * row[base] else base
    return places


def compose_context(
    contexts: Mapping[str, Context], places: Mapping[str, str], base: str, roles: Mapping[str, str]
) -> dict[str, Any] | None:
    """Return the JSON of a context with each network in its place, or None if one of the contexts already does that.

    :param contexts: by key.
    :param places: the key of a context for each network that was called; the others stay where ``base`` has them.
    :param roles: the role of each network of the addon.
    """
    chosen = {name: _network_context(contexts[places.get(name, base)], name, role) for name, role in roles.items()}
    for context in contexts.values():
        if all(are_equivalent(_network_context(context, name, roles[name]), chosen[name]) for name in places):
            return None
    bare = replace(contexts[base], networks={})
    default = replace(bare, schedule={})
    moved = {name: context_to_json(place) for name, place in chosen.items() if not are_equivalent(place, default)}
    return {**context_to_json(bare), "networks": moved}


def describe_placement(places: Mapping[str, str], base: str) -> str:
    """Return a placement in words: ``decoder in openvino:CPU, the rest in default``."""
    moved: dict[str, list[str]] = {}
    for network, label in places.items():
        if label != base:
            moved.setdefault(label, []).append(network)
    parts = [f"{' and '.join(names)} in {label}" for label, names in moved.items()]
    return ", ".join([*parts, f"the rest in {base}" if parts else f"all in {base}"])


def _network_context(context: Context, name: str, role: str) -> Context:
    """Return the context that a network runs in, without the settings of a whole voice."""
    return replace(context.for_network(name, role), networks={}, schedule={})
