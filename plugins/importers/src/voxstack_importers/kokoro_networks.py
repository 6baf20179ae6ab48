"""The networks of a Kokoro voice: the whole model with its noise as inputs, and the table of its styles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack_importers.graphs import RANDOM, Graph
from voxstack_packager import OnnxSource
from voxstack_packager.runners import model_runner

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

WHOLE = "whole/"
"""Before the names of tensors of the graph as it was exported."""

NOISE = {"RandomNormalLike": ("noise", "normal", 16384), "RandomUniformLike": ("phases", "uniform", 16)}
"""For each operator that draws: the input in its place, its distribution, and values for each token; behind the last the first follow."""

APART = 7919
"""Values between where one random tensor and the next of the same kind begin in what was drawn."""

TOKENS = ("input_ids", "tokens")


@dataclass(frozen=True)
class Said:
    """What the model took and gave in one run: ``samples`` (samples,), ``durations`` (tokens,) where it tells them."""

    tokens: np.ndarray
    style: np.ndarray
    rate: float
    drawn: Mapping[str, np.ndarray]
    samples: np.ndarray
    durations: np.ndarray | None


class Model:
    """A graph of tokens, style and speed to audio."""

    def __init__(self, graph: Graph, tokens: str, random: list[str]) -> None:
        self.graph, self._tokens = graph, tokens
        kinds = [graph.makers[name].op_type for name in random]
        self._random = {name: kinds[:i].count(kind) for i, (name, kind) in enumerate(zip(random, kinds, strict=True))}
        self.timed = len(graph.outputs) > 1
        inputs = {
            tokens: ("int64", [None, None]),
            f"{WHOLE}style": ("float32", [None, None]),
            f"{WHOLE}speed": ("float32", [None]),
        }
        likes = {name: graph.makers[name].input[0] for name in random}
        free = ("float32", None)
        self._shapes = model_runner(graph.part([], [], inputs, dict.fromkeys(likes.values(), free)), graph.where)
        outputs = {graph.outputs[0]: free} | ({graph.outputs[1]: ("int64", None)} if self.timed else {})
        self._run = model_runner(graph.part([], [], {**inputs, **dict.fromkeys(random, free)}, outputs), graph.where)

    @classmethod
    def of(cls, graph: Graph) -> Model:
        """Look at a graph.

        :raises PackagingError: saying what was looked for and not found.
        """
        names = {name.removeprefix(WHOLE) for name in graph.inputs}
        tokens = next((name for name in TOKENS if name in names), None)
        if tokens is None or names != {tokens, "style", "speed"}:
            raise graph.refused(f"takes {sorted(names)}; a Kokoro model takes input_ids (or tokens), style and speed")
        kinds = {one.name: one.type.tensor_type.elem_type for one in graph.model.graph.input}
        if kinds[f"{WHOLE}speed"] != 1:
            raise graph.refused(
                "takes a speed that is no float32, so it knows whole numbers only; export it with a speed of 1.0"
            )
        whole = graph.above(*graph.outputs)
        random = [name for name, node in graph.makers.items() if node.op_type in RANDOM and name in whole]
        unknown = sorted({graph.makers[name].op_type for name in random} - NOISE.keys())
        shaped = [
            name
            for name in random
            if any(one.name in ("mean", "scale", "low", "high") for one in graph.makers[name].attribute)
        ]
        if unknown or shaped:
            raise graph.refused(
                f"draws noise with {unknown or shaped}; looked for {list(NOISE)} of mean 0 and deviation 1, or from 0 to 1"
            )
        return cls(graph, WHOLE + tokens, random)

    @property
    def noise(self) -> list[dict[str, Any]]:
        """The blocks that draw what is random."""
        kinds = dict.fromkeys(self.graph.makers[name].op_type for name in self._random)
        blocks = []
        for name, distribution, features in (NOISE[kind] for kind in kinds):
            blocks.append(
                {"type": "Noise", "name": name, "like": "tokens", "features": features, "distribution": distribution}
            )
        return blocks

    def original(self, tokens: np.ndarray, style: np.ndarray, rate: float, drawn: Mapping[str, np.ndarray]) -> Said:
        """Run the graph as it was exported, with this noise instead of its own.

        :param drawn: (tokens, values) for each input of :data:`NOISE` that there is.
        """
        given = {self._tokens: tokens[None], f"{WHOLE}style": style[None], f"{WHOLE}speed": np.float32([rate])}
        shapes = self._shapes(**given)
        noise = {}
        for name, number in self._random.items():
            pool = drawn[NOISE[self.graph.makers[name].op_type][0]].reshape(-1)
            shape = shapes[self.graph.makers[name].input[0]].shape
            noise[name] = pool[(np.arange(np.prod(shape)) + APART * number) % pool.size].reshape(shape)
        made = self._run(**given, **noise)
        durations = made[self.graph.outputs[1]].reshape(-1) if self.timed else None
        return Said(tokens, style, rate, drawn, made[self.graph.outputs[0]].reshape(-1), durations)

    def source(self, said: Said) -> OnnxSource:
        """The network, with a run of the original for its golden vectors."""
        ids, style = np.unique(said.tokens), len(said.style)
        inputs: dict[str, Any] = {
            "tokens": ("int64", ["tokens"]),
            "style": ("float32", [style]),
            "rate": ("float32", []),
        }
        inputs |= {block["name"]: ("float32", ["tokens", block["features"]]) for block in self.noise}
        outputs = {"samples": ("float32", ["samples"])} | ({"durations": ("int64", ["tokens"])} if self.timed else {})

        def examples(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
            given = {
                "tokens": rng.choice(ids, sizes["tokens"]),
                "style": said.style,
                "rate": np.float32(rng.uniform(0.7, 1.5)),
            }
            return {**given, **draw(self.noise, sizes["tokens"], rng)}

        golden = {"tokens": said.tokens, "style": said.style, "rate": np.array(said.rate, np.float32), **said.drawn}
        made = {"samples": said.samples} | ({"durations": said.durations} if said.durations is not None else {})
        return OnnxSource(
            name="voice",
            role="encoder",
            description="Tokens of a sentence and a style to its samples: Kokoro",
            model=self._model(inputs, outputs),
            inputs=inputs,
            outputs=outputs,
            examples=examples,
            golden=(golden, made),
        )

    def _model(self, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> ModelProto:
        from onnx import helper

        constants = {"row": np.array([1, -1], np.int64), "flat": np.array([-1], np.int64)}
        constants |= {"zero": np.array(0, np.int64), "step": np.array(1, np.int64)}
        given = [("tokens", "row", self._tokens), ("style", "row", f"{WHOLE}style"), ("rate", "flat", f"{WHOLE}speed")]
        before = [helper.make_node("Reshape", [name, shape], [made]) for name, shape, made in given]
        for i, (name, number) in enumerate(self._random.items()):
            constants[f"{i}/first"] = np.array(APART * number, np.int64)
            before += self._drawn(f"{i}/", name)
        after = [helper.make_node("Reshape", [self.graph.outputs[i], "flat"], [name]) for i, name in enumerate(outputs)]
        return self.graph.part(before, after, inputs, outputs, constants)

    def _drawn(self, own: str, name: str) -> list[NodeProto]:
        """What makes a random tensor of an input: as many values as it has, from the first on again behind the last.

        :param own: before the names of its tensors.
        """
        from onnx import helper

        node = self.graph.makers[name]
        steps = [
            ("Reshape", [NOISE[node.op_type][0], "flat"], f"{own}pool"),
            ("Size", [f"{own}pool"], f"{own}size"),
            ("Size", [node.input[0]], f"{own}count"),
            ("Range", ["zero", f"{own}count", "step"], f"{own}at"),
            ("Add", [f"{own}at", f"{own}first"], f"{own}from"),
            ("Mod", [f"{own}from", f"{own}size"], f"{own}place"),
            ("Gather", [f"{own}pool", f"{own}place"], f"{own}values"),
            ("Shape", [node.input[0]], f"{own}shape"),
            ("Reshape", [f"{own}values", f"{own}shape"], name),
        ]
        return [helper.make_node(kind, given, [made]) for kind, given, made in steps]


def draw(blocks: list[dict[str, Any]], tokens: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Noise as these blocks draw it."""
    kinds: dict[str, Callable[..., np.ndarray]] = {"normal": rng.standard_normal, "uniform": rng.random}
    return {block["name"]: kinds[block["distribution"]]((tokens, block["features"]), np.float32) for block in blocks}


def styles(table: np.ndarray) -> OnnxSource:
    """The network that looks a style up: one for each speaker and number of phonemes; the longest's for all that are longer.

    :param table: (speakers, phonemes, features) float32.
    """
    from onnx import helper, numpy_helper

    speakers, longest, features = table.shape
    node = helper.make_node
    constants = {"table": table, "around": np.array([3], np.int64), "last": np.array([longest - 1], np.int64)}
    constants |= {"first": np.array([0], np.int64), "flat": np.array([-1], np.int64)}
    nodes = [
        node("Shape", ["tokens"], ["count"]),
        node("Sub", ["count", "around"], ["behind"]),
        node("Min", ["behind", "last"], ["least"]),
    ]
    nodes += [node("Max", ["least", "first"], ["row"]), node("Gather", ["table", "speaker_id"], ["own"], axis=0)]
    nodes += [node("Gather", ["own", "row"], ["found"], axis=0), node("Reshape", ["found", "flat"], ["style"])]
    values = [("tokens", 7, ["tokens"]), ("speaker_id", 7, [])], [("style", 1, [features])]
    given, made = ([helper.make_tensor_value_info(*value) for value in side] for side in values)
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "styles", given, made, weights), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 8
    tokens = np.zeros(longest // 2 + 2, np.int64)
    return OnnxSource(
        name="styles",
        role="encoder",
        description="The style of each speaker for sentences of so many phonemes",
        model=model,
        inputs={"tokens": ("int64", ["tokens"]), "speaker_id": ("int64", [])},
        outputs={"style": ("float32", [features])},
        examples=lambda rng, sizes: {
            "tokens": np.zeros(sizes["tokens"], np.int64),
            "speaker_id": np.array(rng.integers(0, speakers)),
        },
        golden=({"tokens": tokens, "speaker_id": np.array(speakers - 1)}, {"style": table[-1, longest // 2 - 1]}),
    )
