"""The block ``Iterate``, which runs one network several times, each time on its last result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from voxstack import AddonError, RequestError, Resources, SequenceBlock, Utterance
from voxstack.networks import Network
from voxstack.networks.sizes import limits_of
from voxstack.streaming.turn import check_cancelled

MAX_STEPS = 1000
"""Most steps that a stack may allow."""


@dataclass
class Iterate(SequenceBlock):
    """Runs one network several times, each time on its last result: the solver of a flow, or a diffusion.

    Its input ``state`` is first the entry of that name (noise, say), and then what it returned. The other inputs are
    the same in each step and come from the utterance by name, but for ``step`` and ``total``. The last result becomes
    the entry ``output``. The control ``steps`` sets the number of steps: more are better, and take longer.

    :param network: name of the network.
    :param state: its input that receives the last result.
    :param output: its output that is the result, of the same shape.
    :param step: its input, (), that receives the number of the step, from 0; none if absent.
    :param total: its input, (), that receives the number of all steps; none if absent.
    :param steps: number of steps if the request sets none.
    :param most: most steps that a request may set.
    :param context: where it runs, as named in the addon; by default the voice's own context.
    """

    network: str
    state: str
    output: str
    step: str | None = None
    total: str | None = None
    steps: int = field(default=8, metadata={"minimum": 1, "maximum": MAX_STEPS})
    most: int = field(default=100, metadata={"minimum": 1, "maximum": MAX_STEPS})
    context: str | None = None
    _opened: Network | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def needs(self) -> frozenset[str]:
        return self._opened.spec.needs - {self.step, self.total} if self._opened else frozenset()

    @property
    def gives(self) -> frozenset[str]:
        return frozenset({self.output}) if self._opened else frozenset()

    @property
    def limits(self) -> Mapping[str, int]:
        return limits_of(self._opened) if self._opened else {}

    def load(self, addon: Resources) -> None:
        self._opened = addon.network(self.network, self.context)
        spec, where = self._opened.spec, f"{addon.name}: networks.{self.network}"
        wanted = [name for name in (self.state, self.step, self.total) if name is not None]
        missing = [name for name in wanted if name not in spec.inputs]
        missing += [] if self.output in spec.outputs else [self.output]
        if missing:
            has = f"it takes {sorted(spec.inputs)} and returns {sorted(spec.outputs)}"
            raise AddonError(where, f"Iterate names {missing[0]!r}, which the network does not have; {has}")
        before, after = spec.inputs[self.state], spec.outputs[self.output]
        if (before.dtype, before.shape) != (after.dtype, after.shape):
            shapes = f"{self.state!r} is {before.dtype} {before.shape} and {self.output!r} {after.dtype} {after.shape}"
            raise AddonError(where, f"Iterate runs a network on its own result, which has its input's shape; {shapes}")

    def __call__(self, utterance: Utterance) -> Utterance:
        assert self._opened is not None, "Iterate runs after load(addon)"
        total = self._number(utterance.get("steps", self.steps))
        others = {name: utterance[name] for name in self.needs - {self.state}}
        others |= self._counter(self.total, total)
        state = np.asarray(utterance[self.state])
        for step in range(total):
            check_cancelled()
            inputs = {self.state: state, **others, **self._counter(self.step, step)}
            state = self._opened.run_single(**inputs)[self.output]
        return {self.output: state}

    def _counter(self, name: str | None, value: int) -> dict[str, np.ndarray]:
        assert self._opened is not None, "__call__ checks it"
        return {} if name is None else {name: np.array(value, self._opened.spec.inputs[name].dtype)}

    def _number(self, steps: object) -> int:
        if isinstance(steps, int | np.integer) and not isinstance(steps, bool) and 1 <= steps <= self.most:
            return int(steps)
        raise RequestError(f"Iterate: steps is {steps!r}, and must be a whole number from 1 to {self.most}")
