"""The block ``CustomizedEncoders``, which runs encoders at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from voxstack import Resources, SequenceBlock, Utterance
from voxstack.blocks import tightest_limits
from voxstack.networks.sizes import limits_of, require_any_length
from voxstack_customized_encoders.parallel_run import ParallelRun
from voxstack_customized_encoders.plan import Plan


@dataclass
class CustomizedEncoders(SequenceBlock):
    """Runs every network of role ``encoder`` as soon as its inputs exist, so independent ones run at the same time.

    It gives the same values as ``Encoders``, which it replaces by one word of JSON. That pays where a network leaves
    the processor free (an accelerator), or where there are more processors than streams. Of the networks that can run,
    the first of the list starts first: list the slowest first.

    :param networks: names of the networks to run instead of all of that role.
    :param context: where they run, as named in the addon, or ``runtime:device``; by default the voice's own context.
    :param workers: the most networks of one utterance that run at the same time.
    """

    networks: list[str] | None = None
    context: str | None = None
    workers: int = field(default=4, metadata={"minimum": 1, "maximum": 256})
    _plan: Plan | None = field(default=None, init=False, repr=False, compare=False)
    _sequential: bool = field(default=True, init=False, repr=False, compare=False)

    @property
    def needs(self) -> frozenset[str]:
        return self._plan.needs if self._plan else frozenset()

    @property
    def gives(self) -> frozenset[str]:
        return self._plan.gives if self._plan else frozenset()

    @property
    def limits(self) -> Mapping[str, int]:
        return tightest_limits(limits_of(network) for network in self._plan.networks) if self._plan else {}

    def load(self, addon: Resources) -> None:
        names = [spec.name for spec in addon.select_all(self.networks, "encoder")]
        networks = [addon.network(name, self.context) for name in names]
        for network in networks:
            require_any_length(network)
        self._plan = Plan.of(networks, addon.name)
        self._sequential = self.workers == 1 or self._plan.is_chain

    def __call__(self, utterance: Utterance) -> Utterance:
        plan = self._plan
        assert plan is not None, "CustomizedEncoders runs after load(addon)"
        if not self._sequential:
            return ParallelRun(plan, utterance, self.workers).run()
        results: dict[str, np.ndarray] = {}
        for index in range(len(plan.networks)):
            results.update(plan.run(index, utterance, results))
        return results
