"""The network of a Kokoro voice: the whole model, with its noise as inputs."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack_importers.description import Spec
from voxstack_importers.graphs import Graph, operator
from voxstack_importers.kokoro.duration_tensor import duration_tensor, embedded_tokens
from voxstack_importers.kokoro.noise import Noise, RandomTensors, draw
from voxstack_packager import OnnxSource
from voxstack_packager.runners import model_runner

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


HOP_LENGTH = 600
"""Samples of a frame of models that do not output durations."""

INT64 = 7
"""The number of the type in ONNX (TensorProto.INT64)."""

TOKENS = ("input_ids", "tokens")
"""Names that the tokens may have."""


@dataclass(frozen=True)
class KokoroRun:
    """Inputs and outputs of the model in one run.

    :param tokens: (tokens,) int64.
    :param style: (features,) float32.
    :param noise: (tokens, values) float32 for each input of :data:`NOISE` that the model has, by name.
    :param samples: (samples,) float32.
    :param durations: (tokens,) int64, whole frames; None for a model in which they were not found.
    """

    tokens: np.ndarray
    style: np.ndarray
    rate: float
    noise: Mapping[str, np.ndarray]
    samples: np.ndarray
    durations: np.ndarray | None

    @property
    def has_exact_durations(self) -> bool:
        """True if the durations are those of the samples: one for each token, of frames that are all equally long."""
        durations = self.durations
        if durations is None or len(durations) != len(self.tokens) or durations.min() < 0:
            return False
        return bool(durations.any()) and self.samples.size % int(durations.sum()) == 0

    @property
    def hop_length(self) -> int:
        """Samples of a frame."""
        return HOP_LENGTH if self.durations is None else self.samples.size // int(self.durations.sum())


class KokoroModel:
    """A graph from tokens, style and speed to audio.

    Exports of the same model differ: in the name of the tokens, in whether they output durations, and in whether they
    draw noise; quantised ones draw none. Durations that are not output are taken from inside the graph.

    :param tokens: name of the input with the tokens.
    :param random: its random tensors.
    """

    def __init__(self, graph: Graph, tokens: str, random: RandomTensors) -> None:
        self.graph, self._tokens, self._random = graph, tokens, random
        self._style, self._speed = graph.prefix + "style", graph.prefix + "speed"
        self.embedded = embedded_tokens(graph, tokens)
        self._durations = duration_tensor(graph, tokens, self._speed)
        inputs: dict[str, Any] = {
            tokens: ("int64", [None, None]),
            self._style: ("float32", [None, None]),
            self._speed: ("float32", [None]),
        }
        free = ("float32", None)
        like = dict.fromkeys(random.like.values(), free)
        self._shapes = model_runner(graph.subgraph([], [], inputs, like), graph.file) if like else None
        outputs: dict[str, Any] = {graph.outputs[0]: free} | ({"durations": ("int64", None)} if self._durations else {})
        inputs |= dict.fromkeys(random.kinds, free)
        self._run = model_runner(graph.subgraph([], self._rounded("durations"), inputs, outputs), graph.file)

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
        return cls(graph, graph.prefix + tokens, RandomTensors.find(graph))

    @property
    def noise(self) -> list[Noise]:
        """The inputs in place of random operators."""
        return self._random.inputs

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
        random = self._random.values(noise, self._shapes(**inputs)) if self._shapes else {}
        outputs = self._run(**inputs, **random)
        durations = outputs["durations"].reshape(-1) if self._durations else None
        return KokoroRun(tokens, style, rate, noise, outputs[self.graph.outputs[0]].reshape(-1), durations)

    def without_durations(self) -> KokoroModel:
        """Return the model without the tensor that was taken for its durations."""
        plain = copy(self)
        plain._durations = None
        return plain

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
        before = [
            operator("Reshape", ["tokens", "row"], self._tokens),
            operator("Reshape", ["style", "row"], self._style),
            operator("Reshape", ["rate", "flat"], self._speed),
            *self._random.operators(),
        ]
        after = [operator("Reshape", [self.graph.outputs[0], "flat"], "samples")]
        if "durations" in outputs:
            after += [*self._rounded("frames"), operator("Reshape", ["frames", "flat"], "durations")]
        return self.graph.subgraph(before, after, inputs, outputs, constants | self._random.constants())

    def _rounded(self, name: str) -> list[NodeProto]:
        """Return the operator that outputs the durations as whole numbers, if there are any."""
        return [operator("Cast", [self._durations], name, to=INT64)] if self._durations else []
