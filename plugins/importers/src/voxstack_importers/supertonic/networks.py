"""The networks of a Supertonic voice: styles, durations, text, flow and vocoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack_importers.graphs import operator
from voxstack_importers.supertonic.original import PREFIX, SupertonicOriginal, SupertonicRun
from voxstack_packager import OnnxSource

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

INT64, FLOAT = 7, 1
"""Numbers of the types in ONNX (``TensorProto``)."""

MASKS = {"mask": "text_mask", "frame_mask": "latent_mask"}
"""The masks of tokens and of latents, (batch, 1, steps) in the graphs."""


@dataclass(frozen=True)
class SupertonicNetworks:
    """Puts each graph into the form of a network, with one run of the original as golden vectors.

    The axis of latents is called ``steps`` in the flow, which has a mask, so that a context can fix its sizes without
    those of the vocoder, which has none and streams along ``frames``.
    """

    original: SupertonicOriginal
    run: SupertonicRun

    def all(self) -> list[OnnxSource]:
        """Return all networks."""
        return [self._styles(), self._durations(), self._text(), self._flow(), self._vocoder()]

    def _styles(self) -> OnnxSource:
        names, texts, durations = self.original.files.styles
        golden = {"style_ttl": texts[-1:], "style_dp": durations[-1:]}
        return OnnxSource(
            name="styles",
            role="encoder",
            description="The styles of each voice, for text and for durations",
            model=_tables({"style_ttl": texts, "style_dp": durations}),
            inputs={"speaker_id": ("int64", ["batch"])},
            outputs={name: ("float32", ["batch", *array.shape[1:]]) for name, array in golden.items()},
            examples=lambda rng, sizes: {"speaker_id": rng.integers(0, len(names), sizes["batch"])},
            golden=({"speaker_id": np.array([len(names) - 1])}, golden),
        )

    def _durations(self) -> OnnxSource:
        run, files = self.run, self.original.files
        inputs: dict[str, Any] = {**self._tokens(), "style_dp": self._style("style_dp"), "rate": ("float32", ["batch"])}
        constants = {
            "sample_rate": np.array(files.sample_rate, np.float32),
            "hop": np.array(files.hop_length, np.float32),
            "unit": np.array(1, np.float32),
        }
        result = self.original.graphs["duration_predictor"].outputs[0]
        after = [
            operator("Div", [result, "rate"], "seconds"),
            operator("Mul", ["seconds", "sample_rate"], "length"),
            operator("Add", ["length", "hop"], "above"),
            operator("Sub", ["above", "unit"], "enough"),
            operator("Div", ["enough", "hop"], "hops"),
            operator("Cast", ["hops"], "latent_count", to=INT64),
        ]
        rate = np.array([run.rate], np.float32)
        golden = {"tokens": run.tokens, "style_dp": run.style_dp, "rate": rate}
        outputs = {"seconds": ("float32", ["batch"]), "latent_count": ("int64", ["batch"])}
        results = {"seconds": run.seconds / rate, "latent_count": np.array([run.latents[0].shape[1]])}
        return self._source(
            "duration_predictor", "durations", "encoder", inputs, outputs, golden, results, after, constants
        )

    def _text(self) -> OnnxSource:
        run = self.run
        inputs = {**self._tokens(), "style_ttl": self._style("style_ttl")}
        outputs = {"text_emb": ("float32", ["batch", "tokens", run.text_emb.shape[2]])}
        golden = {"tokens": run.tokens, "style_ttl": run.style_ttl}
        after = [_turned(self.original.graphs["text_encoder"].outputs[0], "text_emb")]
        return self._source(
            "text_encoder", "text", "encoder", inputs, outputs, golden, {"text_emb": run.text_emb}, after
        )

    def _flow(self) -> OnnxSource:
        run, features = self.run, self.original.files.features
        latents = ("float32", ["batch", "steps", features])
        inputs: dict[str, Any] = {
            "noisy_latent": latents,
            "text_emb": ("float32", ["batch", "tokens", run.text_emb.shape[2]]),
            "style_ttl": self._style("style_ttl"),
            "frame_mask": ("float32", ["batch", "steps"], True),
            "mask": ("float32", ["batch", "tokens"], True),
            "current_step": ("float32", ["batch"]),
            "total_step": ("float32", ["batch"]),
        }
        golden = {"noisy_latent": run.latents[0], "text_emb": run.text_emb, "style_ttl": run.style_ttl}
        golden |= {"current_step": np.zeros(1, np.float32), "total_step": np.array([len(run.latents) - 1], np.float32)}
        after = [_turned(self.original.graphs["vector_estimator"].outputs[0], "latents")]
        results = {"latents": run.latents[1]}
        return self._source("vector_estimator", "flow", "flow", inputs, {"latents": latents}, golden, results, after)

    def _vocoder(self) -> OnnxSource:
        run, graph = self.run, self.original.graphs["vocoder"]
        inputs: dict[str, Any] = {"latents": ("float32", ["batch", "frames", self.original.files.features])}
        golden = {"latents": run.latents[-1]}
        after = [operator("Flatten", [graph.outputs[0]], "samples")]
        outputs = {"samples": ("float32", ["batch", "samples"])}
        return OnnxSource(
            name="vocoder",
            role="vocoder",
            description="Latents to samples",
            model=graph.subgraph([_turned("latents", f"{PREFIX}latent")], after, inputs, outputs),
            inputs=inputs,
            outputs=outputs,
            examples=golden,
            streaming="frames",
            golden=(golden, {"samples": run.samples}),
        )

    def _tokens(self) -> dict[str, Any]:
        return {"tokens": ("int64", ["batch", "tokens"]), "mask": ("float32", ["batch", "tokens"], True)}

    def _style(self, name: str) -> tuple[str, list[str | int]]:
        return "float32", ["batch", *getattr(self.run, name).shape[1:]]

    def _source(
        self,
        file: str,
        name: str,
        role: str,
        inputs: Mapping[str, Any],
        outputs: Mapping[str, Any],
        golden: Mapping[str, np.ndarray],
        results: Mapping[str, np.ndarray],
        after: list[NodeProto],
        constants: Mapping[str, np.ndarray] | None = None,
    ) -> OnnxSource:
        """Return one of the networks that need a whole sentence.

        :param golden: arrays of the inputs but for the masks, and ``results`` of the outputs.
        :param after: operators from the graph's output to the network's.
        """
        graph = self.original.graphs[file]
        sizes = {"tokens": self.run.tokens.shape[1], "steps": self.run.latents[0].shape[1]}
        arrays = {key: golden.get(key, np.ones((1, sizes.get(inputs[key][1][-1], 1)), np.float32)) for key in inputs}
        bare = {key: declared[:2] for key, declared in inputs.items()}
        own = {"as_channel": np.array([0, 1, -1], np.int64), **(constants or {})}
        before = [operator("Reshape", [key, "as_channel"], f"{PREFIX}{MASKS[key]}") for key in inputs if key in MASKS]
        before += [_entering(key) for key in inputs if key not in MASKS and key != "rate"]
        return OnnxSource(
            name=name,
            role=role,
            description=f"{file}.onnx of a Supertonic voice",
            model=graph.subgraph(before, after, bare, outputs, own),
            inputs=inputs,
            outputs=outputs,
            examples=golden,
            golden=(arrays, results),
        )


def _entering(name: str) -> NodeProto:
    """Return the operator from an input of a network to that of the graph."""
    if name in ("noisy_latent", "text_emb"):
        return _turned(name, PREFIX + name)
    return operator("Identity", [name], PREFIX + ("text_ids" if name == "tokens" else name))


def _turned(name: str, output: str) -> NodeProto:
    """Return the operator that swaps time and features."""
    return operator("Transpose", [name], output, perm=[0, 2, 1])


def _tables(tables: Mapping[str, np.ndarray]) -> ModelProto:
    """Return the graph that looks up a row of each table by ``speaker_id``."""
    from onnx import helper, numpy_helper

    nodes = [operator("Gather", [f"{name}/table", "speaker_id"], name, axis=0) for name in tables]
    inputs = [helper.make_tensor_value_info("speaker_id", INT64, ["batch"])]
    outputs = [helper.make_tensor_value_info(name, FLOAT, ["batch", *t.shape[1:]]) for name, t in tables.items()]
    weights = [numpy_helper.from_array(table, f"{name}/table") for name, table in tables.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "styles", inputs, outputs, weights), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 8
    return model
