"""The styles of the speakers of a Kokoro voice, and the network that looks them up and mixes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxstack_importers.graphs import operator
from voxstack_packager import OnnxSource

if TYPE_CHECKING:
    from onnx import ModelProto

MARGIN = 2
"""Tokens around the phonemes: one at each end."""


@dataclass(frozen=True)
class Styles:
    """A style for each speaker and number of phonemes; sentences with more phonemes have the last one.

    :param speakers: their names.
    :param table: (speakers, phonemes, features) float32.
    """

    speakers: list[str]
    table: np.ndarray

    def style(self, weights: np.ndarray, tokens: int) -> np.ndarray:
        """Return the style of a blend of speakers for a number of tokens, those at both ends included: (features,).

        :param weights: (speakers,) float32; those of other speakers are 0.
        """
        row = min(max(tokens - MARGIN, 1), self.table.shape[1]) - 1
        style: np.ndarray = (weights[:, None] * self.table[:, row]).sum(0, dtype=np.float32)
        return style

    def only(self, speaker: int) -> np.ndarray:
        """Return the weights of one speaker alone: (speakers,) float32."""
        weights: np.ndarray = np.eye(len(self.speakers), dtype=np.float32)[speaker]
        return weights

    def network(self) -> OnnxSource:
        """Return the network that looks a style up."""
        speakers, phonemes, features = self.table.shape
        tokens = np.zeros(phonemes // 2 + MARGIN, np.int64)
        shares = np.linspace(1, 2, speakers)
        weights: np.ndarray = (shares / shares.sum()).astype(np.float32)
        golden: dict[str, np.ndarray] = {"tokens": tokens, "speaker_weights": weights}
        return OnnxSource(
            name="styles",
            role="encoder",
            description="The style of a blend of speakers, by the number of phonemes",
            model=self._graph(),
            inputs={"tokens": ("int64", ["tokens"]), "speaker_weights": ("float32", [speakers])},
            outputs={"style": ("float32", [features])},
            examples=lambda rng, sizes: {
                "tokens": np.zeros(sizes["tokens"], np.int64),
                "speaker_weights": rng.random((speakers,), np.float32),
            },
            golden=(golden, {"style": self.style(weights, len(tokens))}),
        )

    def _graph(self) -> ModelProto:
        from onnx import TensorProto, helper, numpy_helper

        speakers, phonemes, features = self.table.shape
        constants = {
            "table": self.table,
            "margin": np.array(MARGIN + 1, np.int64),  # the first style is for one phoneme
            "last": np.array(phonemes - 1, np.int64),
            "first": np.array(0, np.int64),
            "column": np.array([-1, 1], np.int64),
            "speakers": np.array([0], np.int64),
        }
        nodes = [
            operator("Size", ["tokens"], "count"),
            operator("Sub", ["count", "margin"], "wanted"),
            operator("Min", ["wanted", "last"], "limited"),
            operator("Max", ["limited", "first"], "row"),
            operator("Gather", ["table", "row"], "found", axis=1),
            operator("Reshape", ["speaker_weights", "column"], "weights"),
            operator("Mul", ["weights", "found"], "weighted"),
            operator("ReduceSum", ["weighted", "speakers"], "style", keepdims=0),
        ]
        inputs = [
            helper.make_tensor_value_info("tokens", TensorProto.INT64, ["tokens"]),
            helper.make_tensor_value_info("speaker_weights", TensorProto.FLOAT, [speakers]),
        ]
        outputs = [helper.make_tensor_value_info("style", TensorProto.FLOAT, [features])]
        weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
        graph = helper.make_graph(nodes, "styles", inputs, outputs, weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        return model
