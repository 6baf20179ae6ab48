"""The network of a Kokoro voice: the whole model, with its noise as inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from voxstack_importers.description import Spec
from voxstack_importers.graphs import RANDOM, Graph, operator
from voxstack_packager import OnnxSource
from voxstack_packager.runners import model_runner

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


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

HOP_LENGTH = 600
"""Samples of a frame of models that do not output durations."""

TOKENS = ("input_ids", "tokens")
"""Names that the tokens may have."""


@dataclass(frozen=True)
class KokoroRun:
    """Inputs and outputs of the model in one run.

    :param tokens: (tokens,) int64.
    :param style: (features,) float32.
    :param noise: (tokens, values) float32 for each input of :data:`NOISE` that the model has, by name.
    :param samples: (samples,) float32.
    :param durations: (tokens,) int64, whole frames; None for a model that does not output them.
    """

    tokens: np.ndarray
    style: np.ndarray
    rate: float
    noise: Mapping[str, np.ndarray]
    samples: np.ndarray
    durations: np.ndarray | None

    @property
    def hop_length(self) -> int:
        """Samples of a frame."""
        return HOP_LENGTH if self.durations is None else self.samples.size // int(self.durations.sum())


class KokoroModel:
    """A graph from tokens, style and speed to audio.

    :param tokens: name of the input with the tokens.
    :param random: names of the random tensors.
    """

    def __init__(self, graph: Graph, tokens: str, random: list[str]) -> None:
        self.graph, self._tokens = graph, tokens
        self._style, self._speed = graph.prefix + "style", graph.prefix + "speed"
        self._like = {name: graph.producers[name].input[0] for name in random}
        self._noise = {name: NOISE[graph.producers[name].op_type] for name in random}
        kinds = list(self._noise.values())
        self._start = {name: STRIDE * kinds[:i].count(kinds[i]) for i, name in enumerate(random)}
        self._timed = len(graph.outputs) > 1
        inputs: dict[str, Any] = {
            tokens: ("int64", [None, None]),
            self._style: ("float32", [None, None]),
            self._speed: ("float32", [None]),
        }
        free = ("float32", None)
        shapes = dict.fromkeys(self._like.values(), free)
        if random:
            self._shapes = model_runner(graph.subgraph([], [], inputs, shapes), graph.file)
        outputs: dict[str, Any] = {graph.outputs[0]: free} | (
            {graph.outputs[1]: ("int64", None)} if self._timed else {}
        )
        inputs |= dict.fromkeys(random, free)
        self._run = model_runner(graph.subgraph([], [], inputs, outputs), graph.file)

    @classmethod
    def find(cls, graph: Graph) -> KokoroModel:
        """Find the tensors of a Kokoro model in a graph.

        :raises PackagingError: saying what was looked for and not found.
        """
        names = {name.removeprefix(graph.prefix) for name in graph.inputs}
        tokens = next((name for name in TOKENS if name in names), "")
        if names != {tokens, "style", "speed"}:
            problem = f"takes {sorted(names)}; a Kokoro model takes input_ids (or tokens), style and speed"
            raise graph.refusal(problem)
        types = {value.name: value.type.tensor_type.elem_type for value in graph.model.graph.input}
        if types[f"{graph.prefix}speed"] != 1:  # TensorProto.FLOAT
            problem = "takes a speed that is not float32, so only whole numbers; export it with a speed of 1.0"
            raise graph.refusal(problem)
        random = graph.produced_by(RANDOM, graph.dependencies(*graph.outputs))
        operators = [graph.producers[name] for name in random]
        unknown = sorted({node.op_type for node in operators} - NOISE.keys())
        moments = {"mean", "scale", "low", "high"}
        shaped = [node.output[0] for node in operators if moments & {attribute.name for attribute in node.attribute}]
        if unknown or shaped:
            expected = f"{', '.join(NOISE)} of mean 0 and deviation 1, or from 0 to 1"
            raise graph.refusal(f"draws noise with {unknown or shaped}; looked for {expected}")
        return cls(graph, graph.prefix + tokens, random)

    @property
    def noise(self) -> list[Noise]:
        """The inputs in place of random operators."""
        return list(dict.fromkeys(self._noise.values()))

    @property
    def noise_blocks(self) -> list[Spec]:
        """The blocks that draw them."""
        return [{"type": "Noise", "like": "tokens", **noise._asdict()} for noise in self.noise]

    def run(self, tokens: np.ndarray, style: np.ndarray, rate: float, noise: Mapping[str, np.ndarray]) -> KokoroRun:
        """Run the graph as it was exported, with this noise instead of its own.

        :param tokens: (tokens,) int64.
        :param style: (features,) float32.
        :param noise: (tokens, values) float32 for each of :attr:`noise`, by name.
        """
        inputs = {self._tokens: tokens[None], self._style: style[None], self._speed: np.array([rate], np.float32)}
        shapes = self._shapes(**inputs) if self._noise else {}  # a graph without noise has none to open
        random = {}
        for name, kind in self._noise.items():
            pool, shape = noise[kind.name].reshape(-1), shapes[self._like[name]].shape
            random[name] = pool[(np.arange(np.prod(shape)) + self._start[name]) % pool.size].reshape(shape)
        outputs = self._run(**inputs, **random)
        durations = outputs[self.graph.outputs[1]].reshape(-1) if self._timed else None
        return KokoroRun(tokens, style, rate, noise, outputs[self.graph.outputs[0]].reshape(-1), durations)

    def cut(self, run: KokoroRun) -> OnnxSource:
        """Return the network, with one run of the original as its golden vectors."""
        vocabulary = np.unique(run.tokens)
        inputs: dict[str, Any] = {
            "tokens": ("int64", ["tokens"]),
            "style": ("float32", [len(run.style)]),
            "rate": ("float32", []),
        }
        inputs |= {noise.name: ("float32", ["tokens", noise.features]) for noise in self.noise}
        outputs: dict[str, Any] = {"samples": ("float32", ["samples"])}
        golden = {"samples": run.samples}
        if run.durations is not None:
            outputs["durations"], golden["durations"] = ("int64", ["tokens"]), run.durations

        def examples(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
            count = sizes["tokens"]
            arrays = {"tokens": rng.choice(vocabulary, count), "style": run.style}
            arrays["rate"] = np.array(rng.uniform(0.7, 1.5), np.float32)
            return {**arrays, **draw(self.noise, count, rng)}

        rate = np.array(run.rate, np.float32)
        return OnnxSource(
            name="voice",
            role="encoder",
            description="Tokens of a sentence and a style to its samples: Kokoro",
            model=self._network(inputs, outputs),
            inputs=inputs,
            outputs=outputs,
            examples=examples,
            golden=({"tokens": run.tokens, "style": run.style, "rate": rate, **run.noise}, golden),
        )

    def _network(self, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> ModelProto:
        constants = {"row": np.array([1, -1], np.int64), "flat": np.array([-1], np.int64)}
        constants |= {"zero": np.array(0, np.int64), "step": np.array(1, np.int64)}
        before = [
            operator("Reshape", ["tokens", "row"], self._tokens),
            operator("Reshape", ["style", "row"], self._style),
            operator("Reshape", ["rate", "flat"], self._speed),
        ]
        for i, name in enumerate(self._noise):
            constants[f"{i}/start"] = np.array(self._start[name], np.int64)
            before += self._random_values(f"{i}/", name)
        after = [operator("Reshape", [self.graph.outputs[i], "flat"], name) for i, name in enumerate(outputs)]
        return self.graph.subgraph(before, after, inputs, outputs, constants)

    def _random_values(self, own: str, name: str) -> list[NodeProto]:
        """Return operators that fill a random tensor from an input, from its first value on again after its last.

        :param own: put before the names of their tensors.
        """
        return [
            operator("Reshape", [self._noise[name].name, "flat"], f"{own}pool"),
            operator("Size", [f"{own}pool"], f"{own}size"),
            operator("Size", [self._like[name]], f"{own}count"),
            operator("Range", ["zero", f"{own}count", "step"], f"{own}index"),
            operator("Add", [f"{own}index", f"{own}start"], f"{own}from"),
            operator("Mod", [f"{own}from", f"{own}size"], f"{own}place"),
            operator("Gather", [f"{own}pool", f"{own}place"], f"{own}values"),
            operator("Shape", [self._like[name]], f"{own}shape"),
            operator("Reshape", [f"{own}values", f"{own}shape"], name),
        ]


def draw(inputs: list[Noise], tokens: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return noise for each input, by name, distributed as the addon's blocks draw it: (tokens, values) float32."""
    distributions: dict[str, Callable[..., np.ndarray]] = {"normal": rng.standard_normal, "uniform": rng.random}
    return {noise.name: distributions[noise.distribution]((tokens, noise.features), np.float32) for noise in inputs}
