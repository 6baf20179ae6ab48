"""Example inputs of a network with states of its own, as it receives them in the middle of a stream."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from voxstack.networks import NetworkSpec, Runner, first_states
from voxstack_packager.signature import Arrays
from voxstack_packager.sources import Source

EARLIER = 23
"""Steps of the call before an example: another number than those of examples, so that no axis is taken for another."""


class StreamExamples:
    """Returns inputs of a size of every named axis and a seed; the states are those after a call of the module.

    :param network: the spec, whose states are known, and whose ``right`` and ``hop`` need not be.
    """

    def __init__(self, source: Source, network: NetworkSpec) -> None:
        self.network = network
        self._source = source
        self._module: Runner | None = None

    def connect(self, module: Runner) -> None:
        """Set the module that computes the states; it is known once its weights are as they are stored."""
        self._module = module

    def __call__(self, sizes: Mapping[str, int], seed: int) -> dict[str, np.ndarray]:
        assert self._module is not None, "the module is connected before it is exported"
        streaming = self.network.streaming
        assert streaming is not None, "a network with states of its own streams"
        earlier = self.given({**sizes, streaming.axis: EARLIER}, seed + 1)
        outputs = self._module(**self.call(earlier, self.first_states(earlier)))
        states = {name: np.asarray(outputs[state.next]) for name, state in streaming.states.items()}
        return self.call(self.given(sizes, seed), states)

    def given(self, sizes: Mapping[str, int], seed: int) -> dict[str, np.ndarray]:
        """Return the inputs that callers provide, and the first values of states that they provide."""
        return self._source.example_inputs(sizes, seed)

    def first_states(self, given: Arrays) -> dict[str, np.ndarray]:
        """Return the states before the first call of streams with these inputs."""
        provided = {name: np.asarray(given[name]) for name in self.network.provided}
        return {**first_states(self.network, self.rows(given)), **provided}

    def rows(self, given: Arrays) -> int:
        """Return the number of streams in a batch."""
        inputs = self.network.inputs
        batched = (
            array.shape[inputs[name].shape.index("batch")]
            for name, array in given.items()
            if "batch" in inputs[name].shape
        )
        return next(batched, 1)

    def steps(self, given: Arrays) -> int:
        """Return the length of the stream in these inputs."""
        streaming = self.network.streaming
        assert streaming is not None, "a network with states of its own streams"
        position = self.network.inputs[streaming.input].shape.index(streaming.axis)
        return int(given[streaming.input].shape[position])

    def call(self, given: Arrays, states: Arrays) -> dict[str, np.ndarray]:
        """Return the inputs of a call in the middle of a stream."""
        streaming = self.network.streaming
        end = {streaming.end: np.zeros(1, np.int64)} if streaming and streaming.end else {}
        arrays = {**given, **states, **end}
        return {name: arrays[name] for name in self.network.inputs}
