"""The random operators of Kokoro models, and the inputs in their place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from voxstack_importers.graphs import RANDOM, Graph, operator

if TYPE_CHECKING:
    from onnx import NodeProto


class Noise(NamedTuple):
    """An input in place of random operators: its name, its distribution, and its values for each token."""

    name: str
    distribution: str
    features: int


NOISE: Mapping[str, Noise] = {
    "RandomNormalLike": Noise("noise", "normal", 16384),
    "RandomUniformLike": Noise("phases", "uniform", 16),
}
"""The input for each random operator; a tensor with more values than the input uses them again from the first on."""

STRIDE = 7919
"""Values between the beginnings of two random tensors of the same distribution in their common input."""


class RandomTensors:
    """The random tensors of a graph, each with the input that it takes its values from.

    :param names: names of the tensors; exports without random operators have none.
    """

    def __init__(self, graph: Graph, names: list[str]) -> None:
        self.like = {name: graph.producers[name].input[0] for name in names}
        self.kinds = {name: NOISE[graph.producers[name].op_type] for name in names}
        kinds = list(self.kinds.values())
        self._start = {name: STRIDE * kinds[:i].count(kinds[i]) for i, name in enumerate(names)}

    @classmethod
    def find(cls, graph: Graph) -> RandomTensors:
        """Find the random tensors that the outputs of a graph depend on.

        :raises PackagingError: for operators that draw noise of another kind.
        """
        names = graph.produced_by(RANDOM, graph.dependencies(*graph.outputs))
        operators = [graph.producers[name] for name in names]
        unknown = sorted({node.op_type for node in operators} - NOISE.keys())
        moments = {"mean", "scale", "low", "high"}
        shaped = [node.output[0] for node in operators if moments & {attribute.name for attribute in node.attribute}]
        if unknown or shaped:
            expected = f"{', '.join(NOISE)} of mean 0 and deviation 1, or from 0 to 1"
            raise graph.refusal(f"draws noise with {unknown or shaped}; looked for {expected}")
        return cls(graph, names)

    @property
    def inputs(self) -> list[Noise]:
        """The inputs in their place."""
        return list(dict.fromkeys(self.kinds.values()))

    def values(self, noise: Mapping[str, np.ndarray], shapes: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the values of each random tensor.

        :param noise: (tokens, values) float32 for each of :attr:`inputs`, by name.
        :param shapes: tensors of the shapes of :attr:`like`, by name.
        """
        found = {}
        for name, kind in self.kinds.items():
            pool, shape = noise[kind.name].reshape(-1), shapes[self.like[name]].shape
            found[name] = pool[(np.arange(np.prod(shape)) + self._start[name]) % pool.size].reshape(shape)
        return found

    def constants(self) -> dict[str, np.ndarray]:
        """Return the constants that :meth:`operators` read."""
        starts = {f"{i}/start": np.array(self._start[name], np.int64) for i, name in enumerate(self.kinds)}
        return {"zero": np.array(0, np.int64), "step": np.array(1, np.int64), **starts} if starts else {}

    def operators(self) -> list[NodeProto]:
        """Return operators that fill each random tensor from its input, from its first value on again after its last.

        They read ``flat``, the shape of a vector of any length, besides :meth:`constants`.
        """
        return [node for i, name in enumerate(self.kinds) for node in self._filled(f"{i}/", name)]

    def _filled(self, own: str, name: str) -> list[NodeProto]:
        """Return the operators of one tensor; ``own`` is put before the names of what they produce."""
        return [
            operator("Reshape", [self.kinds[name].name, "flat"], f"{own}pool"),
            operator("Size", [f"{own}pool"], f"{own}size"),
            operator("Size", [self.like[name]], f"{own}count"),
            operator("Range", ["zero", f"{own}count", "step"], f"{own}index"),
            operator("Add", [f"{own}index", f"{own}start"], f"{own}from"),
            operator("Mod", [f"{own}from", f"{own}size"], f"{own}place"),
            operator("Gather", [f"{own}pool", f"{own}place"], f"{own}values"),
            operator("Shape", [self.like[name]], f"{own}shape"),
            operator("Reshape", [f"{own}values", f"{own}shape"], name),
        ]


def draw(inputs: list[Noise], tokens: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return noise for each input, by name, distributed as the addon's blocks draw it: (tokens, values) float32."""
    distributions: dict[str, Callable[..., np.ndarray]] = {"normal": rng.standard_normal, "uniform": rng.random}
    return {noise.name: distributions[noise.distribution]((tokens, noise.features), np.float32) for noise in inputs}
