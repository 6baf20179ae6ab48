"""The order in which networks can run, and which of them can run at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import CycleError

import numpy as np

from voxstack import AddonError, Utterance
from voxstack.networks import Network
from voxstack.ordering import NeedsAndGives, dependencies, execution_order, missing_needs


@dataclass(frozen=True)
class Plan:
    """Networks, each after those that it depends on, and otherwise in the order of the list.

    :param dependencies: for each network, how many it depends on.
    :param dependents: for each network, the indices of those that depend on it.
    :param remote: for each network, whether another device than this machine's processor computes it.
    """

    networks: tuple[Network, ...]
    dependencies: tuple[int, ...]
    dependents: tuple[tuple[int, ...], ...]
    remote: tuple[bool, ...]

    @classmethod
    def of(cls, networks: Sequence[Network], where: str) -> Plan:
        """Plan opened networks.

        :param where: name of the addon, for errors.
        :raises AddonError: where two networks make the same name without needing it, or networks need each other.
        """

        def clash(one: int, two: int, name: str) -> AddonError:
            first, second = networks[one].spec.name, networks[two].spec.name
            return AddonError(where, f"both networks {first!r} and {second!r} give {name!r}; list one in 'networks'")

        before = dependencies([_needs_and_gives(network) for network in networks], clash)
        try:
            order = execution_order(before)
        except CycleError as error:
            cycle = " -> ".join(networks[index].spec.name for index in error.args[1])
            raise AddonError(where, f"these networks need each other: {cycle}; remove one of these needs") from error
        place = {number: index for index, number in enumerate(order)}
        dependents: list[list[int]] = [[] for _ in order]
        for number, earlier in enumerate(before):
            for other in earlier:
                dependents[place[other]].append(place[number])
        ordered = tuple(networks[number] for number in order)
        remote = tuple(not network.effective.device.lower().startswith("cpu") for network in ordered)
        return cls(ordered, tuple(len(before[number]) for number in order), tuple(map(tuple, dependents)), remote)

    @property
    def is_chain(self) -> bool:
        """True if each network depends on the one before it, so that no two can run at the same time."""
        return all(index + 1 in following for index, following in enumerate(self.dependents[:-1]))

    @property
    def needs(self) -> frozenset[str]:
        """Names that the utterance must have."""
        return missing_needs(_needs_and_gives(network) for network in self.networks)

    @property
    def gives(self) -> frozenset[str]:
        """Names of all outputs."""
        return frozenset(name for network in self.networks for name in network.spec.outputs)

    def run(self, index: int, utterance: Utterance, results: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run one network.

        :param results: of the networks that ran before it.
        :raises NetworkError: naming the network, whatever fails in it.
        """
        network = self.networks[index]
        inputs = {name: results[name] if name in results else utterance[name] for name in network.spec.needs}
        return network.run_single(**inputs)


def _needs_and_gives(network: Network) -> NeedsAndGives:
    return network.spec.needs, network.spec.outputs.keys()
