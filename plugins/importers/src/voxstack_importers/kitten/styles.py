"""The network that looks up the style of a speaker of a KittenTTS voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxstack_importers.graphs import operator
from voxstack_importers.kitten.files import KittenVoices
from voxstack_packager import OnnxSource

if TYPE_CHECKING:
    from onnx import ModelProto


def style_network(voices: KittenVoices) -> OnnxSource:
    """Return the network from the number of the speaker and of the characters of a text to a style."""
    speakers, rows, features = voices.table.shape
    golden = {"speaker_id": np.array(speakers - 1), "characters": np.array(rows // 2)}
    return OnnxSource(
        name="styles",
        role="encoder",
        description="The style of each speaker, by the number of characters of the text",
        model=_graph(voices),
        inputs=dict.fromkeys(golden, ("int64", [])),
        outputs={"style": ("float32", [features])},
        examples=lambda rng, sizes: {
            "speaker_id": np.array(rng.integers(0, speakers)),
            "characters": np.array(rng.integers(0, 2 * rows)),
        },
        golden=(golden, {"style": voices.style(speakers - 1, rows // 2)}),
    )


def _graph(voices: KittenVoices) -> ModelProto:
    from onnx import TensorProto, helper, numpy_helper

    constants = {"table": voices.table, "last": np.array(voices.rows - 1, np.int64)}
    nodes = [
        operator("Min", ["characters", "last"], "row"),
        operator("Gather", ["table", "speaker_id"], "own", axis=0),
        operator("Gather", ["own", "row"], "style", axis=0),
    ]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, []) for name in ("speaker_id", "characters")]
    outputs = [helper.make_tensor_value_info("style", TensorProto.FLOAT, [voices.table.shape[2]])]
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "styles", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model
