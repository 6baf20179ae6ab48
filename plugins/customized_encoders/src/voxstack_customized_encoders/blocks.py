"""The blocks of this plugin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from voxstack import AddonError, SequenceBlock, Utterance
from voxstack.addon import Addon
from voxstack.blocks import least
from voxstack.sizes import limits_of
from voxstack_customized_encoders.plan import Plan
from voxstack_customized_encoders.together import Together


@dataclass
class CustomizedEncoders(SequenceBlock):
    """Runs every network of role ``encoder`` as soon as its inputs are there, so independent ones run at the same time.

    It gives the same values as ``Encoders``, whose place it takes by one word of JSON. That pays where a network leaves the
    processor free (an accelerator), or where there are more processors than streams. Of those that can run, the first of the
    list is begun first: list the slowest first.

    :param networks: names of the networks to run instead of all of that role.
    :param context: where they run, as named in the addon, or ``runtime:device``; the voice's own context, unless given.
    :param workers: how many networks of one utterance run at the same time at most.
    """

    networks: list[str] | None = None
    context: str | None = None
    workers: int = field(default=4, metadata={"minimum": 1})
    _plan: Plan | None = field(default=None, init=False, repr=False, compare=False)
    _in_order: bool = field(default=True, init=False, repr=False, compare=False)

    @property
    def needs(self) -> frozenset[str]:
        return self._plan.needs if self._plan else frozenset()

    @property
    def gives(self) -> frozenset[str]:
        return self._plan.gives if self._plan else frozenset()

    @property
    def limits(self) -> Mapping[str, int]:
        return least(limits_of(network) for network in self._plan.networks) if self._plan else {}

    def load(self, addon: Addon) -> None:
        names = self.networks or [spec.name for spec in addon.networks.values() if spec.role == "encoder"]
        if not names:
            raise AddonError(
                addon.name, "there is no network of role 'encoder'; leave this block out, or name its networks"
            )
        names = [addon.select(name, "encoder").name for name in dict.fromkeys(names)]
        self._plan = Plan.of([addon.network(name, self.context) for name in names], addon.name)
        self._in_order = self.workers == 1 or self._plan.is_chain

    def __call__(self, utterance: Utterance) -> Utterance:
        plan = self._plan
        assert plan is not None, "CustomizedEncoders runs after load(addon)"
        if not self._in_order:
            return Together(plan, utterance, self.workers).run()
        made: dict[str, np.ndarray] = {}
        for index in range(len(plan.networks)):
            made.update(plan.run(index, utterance, made))
        return made
