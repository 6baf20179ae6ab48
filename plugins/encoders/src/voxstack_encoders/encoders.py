"""The block ``Encoders``, which runs networks on a whole utterance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from voxstack import Resources, SequenceBlock, SequenceBlockContainer, Utterance
from voxstack.networks import Network
from voxstack.networks.sizes import limits_of, require_any_length


@dataclass
class EncoderNetwork(SequenceBlock):
    """Runs one network on the whole utterance; its inputs and outputs are utterance entries of the same names."""

    network: Network

    @property
    def needs(self) -> frozenset[str]:
        return self.network.spec.needs

    @property
    def gives(self) -> frozenset[str]:
        return frozenset(self.network.spec.outputs)

    @property
    def limits(self) -> Mapping[str, int]:
        return limits_of(self.network)

    def __call__(self, utterance: Utterance) -> Utterance:
        return self.network.run_single(**{name: utterance[name] for name in self.needs})


@dataclass
class Encoders(SequenceBlock):
    """Runs every network of role ``encoder``, one after the other, in the order that their inputs dictate.

    Inputs come from the utterance by name; outputs become entries of the same names.

    :param networks: names of the networks to run instead of all of that role.
    :param context: where they run, as named in the addon; by default the voice's own context.
    """

    networks: list[str] | None = None
    context: str | None = None
    _container: SequenceBlockContainer | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def needs(self) -> frozenset[str]:
        return self._container.needs if self._container else frozenset()

    @property
    def gives(self) -> frozenset[str]:
        return self._container.gives if self._container else frozenset()

    @property
    def limits(self) -> Mapping[str, int]:
        return self._container.limits if self._container else {}

    def load(self, addon: Resources) -> None:
        names = [spec.name for spec in addon.select_all(self.networks, "encoder")]
        networks = [addon.network(name, self.context) for name in names]
        for network in networks:
            require_any_length(network)
        self._container = SequenceBlockContainer([EncoderNetwork(network) for network in networks])
        self._container.load(addon)

    def __call__(self, utterance: Utterance) -> Utterance:
        assert self._container is not None, "Encoders runs after load(addon)"
        return self._container(utterance)
