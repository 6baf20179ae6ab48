"""In which order networks can run, and which of them at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import numpy as np

from voxstack import AddonError, NetworkError, Utterance, VoxstackError
from voxstack.networks import Network, NetworkSpec


@dataclass(frozen=True)
class Plan:
    """Networks, each after those that it waits for, and otherwise in the order in which they were listed.

    :param before: for each, how many it waits for.
    :param behind: for each, those that wait for it.
    :param apart: for each, whether something else than this machine's processor computes it.
    """

    networks: tuple[Network, ...]
    before: tuple[int, ...]
    behind: tuple[tuple[int, ...], ...]
    apart: tuple[bool, ...]

    @classmethod
    def of(cls, networks: Sequence[Network], where: str) -> Plan:
        """Plan opened networks.

        :param where: names the addon, for errors.
        :raises AddonError: where two make the same from nothing, or networks need each other.
        """
        before = _dependencies([network.spec for network in networks], where)
        order = _sorted(before, networks, where)
        place = {number: index for index, number in enumerate(order)}
        behind: list[list[int]] = [[] for _ in order]
        for number, earlier in enumerate(before):
            for other in earlier:
                behind[place[other]].append(place[number])
        ordered = tuple(networks[number] for number in order)
        apart = tuple(not network.effective.device.lower().startswith("cpu") for network in ordered)
        return cls(ordered, tuple(len(before[number]) for number in order), tuple(map(tuple, behind)), apart)

    @property
    def is_chain(self) -> bool:
        """Whether each waits for the one before it, so that none can run beside another."""
        return all(index + 1 in behind for index, behind in enumerate(self.behind[:-1]))

    @property
    def needs(self) -> frozenset[str]:
        """What the utterance has to have."""
        needed: set[str] = set()
        given: set[str] = set()
        for network in self.networks:
            needed |= network.spec.needs - given
            given |= network.spec.outputs.keys()
        return frozenset(needed)

    @property
    def gives(self) -> frozenset[str]:
        """What all of them make."""
        return frozenset(name for network in self.networks for name in network.spec.outputs)

    def run(self, index: int, utterance: Utterance, made: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run one network on what there is.

        :param made: by those that ran before it.
        :raises VoxstackError: naming the network, whatever happens in it.
        """
        network = self.networks[index]
        try:
            return network.one(**{name: made[name] if name in made else utterance[name] for name in network.spec.needs})
        except VoxstackError:
            raise
        except Exception as error:  # of whatever runs it: beside others, only its name tells which one failed
            raise NetworkError(f"network {network.spec.name!r} failed: {type(error).__name__}: {error}") from error


def _dependencies(specs: Sequence[NetworkSpec], where: str) -> list[set[int]]:
    """For each network, those that run before it: by the rules of ``SequenceBlockContainer``, so that ``Encoders`` gives the same.

    What reads a name waits for all that make or change it; those that change it (need and give it) run in the order of the list.
    """
    makers: dict[str, int] = {}
    for number, spec in enumerate(specs):
        for name in spec.outputs.keys() - spec.needs:
            if (other := makers.setdefault(name, number)) != number:
                problem = f"both networks {specs[other].name!r} and {spec.name!r} give {name!r}; list one in 'networks'"
                raise AddonError(where, problem)
    before: list[set[int]] = [set() for _ in specs]
    for number, spec in enumerate(specs):
        for other, giver in enumerate(specs):
            for name in spec.needs & giver.outputs.keys() if other != number else ():
                both_change = name in giver.needs and name in spec.outputs
                if not both_change or other < number:
                    before[number].add(other)
    return before


def _sorted(before: Sequence[set[int]], networks: Sequence[Network], where: str) -> list[int]:
    sorter = TopologicalSorter(dict(enumerate(before)))
    try:
        sorter.prepare()
    except CycleError as error:
        ring = " -> ".join(networks[number].spec.name for number in error.args[1])
        raise AddonError(where, f"these networks need each other: {ring}") from error
    order: list[int] = []
    ready = sorted(sorter.get_ready())
    while ready:  # the first of the list that can run comes next
        order.append(ready.pop(0))
        sorter.done(order[-1])
        ready = sorted([*ready, *sorter.get_ready()])
    return order
