"""The order in which steps run so that each finds the names that it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from graphlib import TopologicalSorter

NeedsAndGives = tuple[AbstractSet[str], AbstractSet[str]]
"""The names that a step reads, and those that it adds or changes."""


def missing_needs(steps: Iterable[NeedsAndGives]) -> frozenset[str]:
    """Return the names that steps, run in this order, need and no earlier one gives."""
    needed: set[str] = set()
    given: set[str] = set()
    for needs, gives in steps:
        needed |= set(needs) - given
        given |= set(gives)
    return frozenset(needed)


def dependencies(steps: Sequence[NeedsAndGives], clash: Callable[[int, int, str], Exception]) -> list[set[int]]:
    """Return for each step the indices of the steps that run before it.

    A step that reads a name runs after all that make or change it; those that change it (need and give it) run in the
    order of the list.

    :param clash: makes the error for two steps, by index, that make the same name without needing it.
    """
    makers: dict[str, int] = {}
    for index, (needs, gives) in enumerate(steps):
        for name in gives - needs:
            if (other := makers.setdefault(name, index)) != index:
                raise clash(other, index, name)
    before: list[set[int]] = [set() for _ in steps]
    for index, (needs, gives) in enumerate(steps):
        for other, (other_needs, other_gives) in enumerate(steps):
            for name in needs & other_gives if other != index else ():
                both_change = name in other_needs and name in gives
                if not both_change or other < index:
                    before[index].add(other)
    return before


def execution_order(before: Sequence[set[int]]) -> list[int]:
    """Return an order in which every step runs after those before it, and otherwise the first of the list first.

    :raises CycleError: if steps need each other; ``args[1]`` holds their indices.
    """
    sorter = TopologicalSorter(dict(enumerate(before)))
    sorter.prepare()
    ordered: list[int] = []
    ready = sorted(sorter.get_ready())
    while ready:
        ordered.append(ready.pop(0))
        sorter.done(ordered[-1])
        ready = sorted([*ready, *sorter.get_ready()])
    return ordered
