"""Which voices are unloaded to make room for another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from voxstack import CapacityError
from voxstack_voices.leases import Entry
from voxstack_voices.weights import Weights, total


def to_unload(
    name: str, weights: Weights, entries: Mapping[str, Entry], reserved: Iterable[Weights], budget: int
) -> list[str]:
    """Return the voices whose place another one needs, those used least recently first; none where nothing would be won.

    :param entries: the others that are loaded.
    :param reserved: what voices take that are just being opened.
    :raises CapacityError: if those that are in use leave it too little, whatever is unloaded.
    """
    taken = [*reserved, weights]
    busy = {key: entry for key, entry in entries.items() if entry.users}
    if (needed := total([*(entry.weights for entry in busy.values()), *taken])) > budget:
        users = (
            ", ".join(f"{key}, {total([entry.weights]) / 1e6:.1f} MB" for key, entry in busy.items()) or "nothing else"
        )
        raise CapacityError(
            f"{name} takes {total([weights]) / 1e6:.1f} MB, and together with what is in use ({users}) that is {needed / 1e6:.1f} MB, "
            f"more than the budget of {budget / 1e6:.1f} MB; try again when a stream has ended, or raise the budget"
        )
    kept = dict(entries)
    idle = sorted(kept.keys() - busy.keys(), key=lambda key: kept[key].used)
    gone: list[str] = []
    while (held := total([*(entry.weights for entry in kept.values()), *taken])) > budget:
        others = ((key, [*(entry.weights for other, entry in kept.items() if other != key), *taken]) for key in idle)
        victim = next(
            (key for key, rest in others if total(rest) < held), idle[0]
        )  # twins win nothing alone, but together
        idle.remove(victim)
        del kept[victim]
        gone.append(victim)
    return gone
