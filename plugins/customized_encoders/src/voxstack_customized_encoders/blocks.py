"""The blocks of this plugin."""

from __future__ import annotations

from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack import AddonError, SequenceBlock, Utterance
from voxstack.addon import Addon
from voxstack.networks import Network

if TYPE_CHECKING:
    from concurrent.futures import Future


@dataclass
class CustomizedEncoders(SequenceBlock):
    """Runs every network of role ``encoder`` as soon as its inputs are there, so independent ones run at the same time.

    It gives the same values as ``Encoders``, whose place it takes by one word of JSON. That pays where a network leaves the
    processor free (an accelerator), or where there are more processors than streams.

    :param networks: names of the networks to run instead of all of that role.
    :param context: where they run, as named in the addon; the voice's own context, unless given.
    :param workers: how many networks run at the same time at most.
    """

    networks: list[str] | None = None
    context: str | None = None
    workers: int = field(default=4, metadata={"minimum": 1})
    _opened: dict[str, Network] = field(default_factory=dict, init=False, repr=False, compare=False)
    _behind: dict[str, set[str]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _pool: Any = field(default=None, init=False, repr=False, compare=False)

    @property
    def needs(self) -> frozenset[str]:
        return frozenset().union(*(network.spec.needs for network in self._opened.values())) - self.gives

    @property
    def gives(self) -> frozenset[str]:
        return frozenset().union(*(network.spec.outputs for network in self._opened.values()))

    def load(self, addon: Addon) -> None:
        from concurrent.futures import ThreadPoolExecutor  # not needed to look at the block

        names = self.networks or [spec.name for spec in addon.networks.values() if spec.role == "encoder"]
        if not names:
            raise AddonError(addon.name, "there is no network of role 'encoder'; leave this block out, or name its networks")
        specs = {name: addon.select(name, "encoder") for name in names}
        makers: dict[str, str] = {}
        for name, spec in specs.items():
            for output in spec.outputs:
                if makers.setdefault(output, name) != name:
                    raise AddonError(addon.name, f"both networks {makers[output]!r} and {name!r} give {output!r}; list one in 'networks'")
        self._behind = {name: {makers[n] for n in spec.needs if n in makers} for name, spec in specs.items()}
        try:
            TopologicalSorter(self._behind).prepare()
        except CycleError as error:
            raise AddonError(addon.name, f"these networks need each other: {' -> '.join(error.args[1])}") from error
        self._opened = {name: addon.network(name, self.context) for name in specs}
        self._pool = ThreadPoolExecutor(self.workers, "voxstack-encoder")

    def __call__(self, utterance: Utterance) -> Utterance:
        from concurrent.futures import FIRST_COMPLETED, wait

        assert self._pool is not None, "CustomizedEncoders runs after load(addon)"
        sorter = TopologicalSorter(self._behind)
        sorter.prepare()
        made: dict[str, np.ndarray] = {}
        running: dict[Future[dict[str, np.ndarray]], str] = {}
        while sorter.is_active():
            for name in sorter.get_ready():
                network = self._opened[name]
                inputs = {key: made[key] if key in made else utterance[key] for key in network.spec.needs}
                running[self._pool.submit(network.one, **inputs)] = name
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                made.update(future.result())
                sorter.done(running.pop(future))
        return made
