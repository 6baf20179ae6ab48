"""The blocks of this plugin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from voxstack import AddonError, SequenceBlock, SequenceBlockContainer, Utterance
from voxstack.addon import Addon
from voxstack.networks import Network
from voxstack.sizes import limits_of


@dataclass
class _NetworkBlock(SequenceBlock):
    """One network, run on the whole utterance: its inputs come from the utterance by name, its outputs go there."""

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
        return self.network.one(**{name: utterance[name] for name in self.needs})


@dataclass
class Encoders(SequenceBlock):
    """Runs every network of role ``encoder``, one after the other, in the order that their inputs dictate.

    :param networks: names of the networks to run instead of all of that role.
    :param context: where they run, as named in the addon; the voice's own context, unless given.
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

    def load(self, addon: Addon) -> None:
        names = self.networks or [spec.name for spec in addon.networks.values() if spec.role == "encoder"]
        if not names:
            raise AddonError(
                addon.name, "there is no network of role 'encoder'; leave this block out, or name its networks"
            )
        specs = [addon.select(name, "encoder") for name in names]
        self._container = SequenceBlockContainer(
            [_NetworkBlock(addon.network(spec.name, self.context)) for spec in specs]
        )
        self._container.load(addon)

    def __call__(self, utterance: Utterance) -> Utterance:
        assert self._container is not None, "Encoders runs after load(addon)"
        return self._container(utterance)
