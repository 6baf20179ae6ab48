"""The styles of the speakers of a Kokoro voice, and the network that looks them up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxstack_importers.graphs import operator
from voxstack_packager import OnnxSource, PackagingError

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

    @classmethod
    def read(cls, path: str) -> Styles:
        """Read a file of arrays, (phonemes, 1, features) for each speaker, by name.

        :raises PackagingError: if it does not exist, or does not hold that.
        """
        if not Path(path).is_file():
            problem = f"there is no file {path!r}; give the .npz (or voices-*.bin) with the styles of the speakers"
            raise PackagingError("voices", problem)
        try:
            with np.load(path, allow_pickle=False) as file:
                styles = {name: np.asarray(file[name], np.float32) for name in sorted(file.files)}
            return cls(list(styles), np.stack([style.reshape(len(style), -1) for style in styles.values()]))
        except (ValueError, OSError, AttributeError) as error:
            problem = (
                f"holds no table of styles, (phonemes, 1, features) for each speaker ({error}); give that of the model"
            )
            raise PackagingError(Path(path).name, problem) from error

    def style(self, speaker: int, tokens: int) -> np.ndarray:
        """Return the style of a speaker for a number of tokens, those at both ends included: (features,)."""
        style: np.ndarray = self.table[speaker, min(max(tokens - MARGIN, 1), self.table.shape[1]) - 1]
        return style

    def network(self) -> OnnxSource:
        """Return the network that looks a style up."""
        speakers, phonemes, features = self.table.shape
        tokens = np.zeros(phonemes // 2 + MARGIN, np.int64)
        golden = {"tokens": tokens, "speaker_id": np.array(speakers - 1)}
        return OnnxSource(
            name="styles",
            role="encoder",
            description="The style of each speaker, by the number of phonemes",
            model=self._graph(),
            inputs={"tokens": ("int64", ["tokens"]), "speaker_id": ("int64", [])},
            outputs={"style": ("float32", [features])},
            examples=lambda rng, sizes: {
                "tokens": np.zeros(sizes["tokens"], np.int64),
                "speaker_id": np.array(rng.integers(0, speakers)),
            },
            golden=(golden, {"style": self.style(speakers - 1, len(tokens))}),
        )

    def _graph(self) -> ModelProto:
        from onnx import TensorProto, helper, numpy_helper

        _, phonemes, features = self.table.shape
        constants = {
            "table": self.table,
            "margin": np.array([MARGIN + 1], np.int64),  # the first style is for one phoneme
            "last": np.array([phonemes - 1], np.int64),
            "first": np.array([0], np.int64),
            "flat": np.array([-1], np.int64),
        }
        nodes = [
            operator("Shape", ["tokens"], "count"),
            operator("Sub", ["count", "margin"], "wanted"),
            operator("Min", ["wanted", "last"], "limited"),
            operator("Max", ["limited", "first"], "row"),
            operator("Gather", ["table", "speaker_id"], "own", axis=0),
            operator("Gather", ["own", "row"], "found", axis=0),
            operator("Reshape", ["found", "flat"], "style"),
        ]
        inputs = [
            helper.make_tensor_value_info("tokens", TensorProto.INT64, ["tokens"]),
            helper.make_tensor_value_info("speaker_id", TensorProto.INT64, []),
        ]
        outputs = [helper.make_tensor_value_info("style", TensorProto.FLOAT, [features])]
        weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
        graph = helper.make_graph(nodes, "styles", inputs, outputs, weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        return model
