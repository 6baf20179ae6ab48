"""Voices of other software, as the tests have them on disk, and that software's own way to run them."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parents[1] / "data"
LETTERS = "abcdefghijklmnopqrstuvwxyz ,.?!'-éT"
SYMBOLS = {"_": [0], "^": [1], "$": [2], **{letter: [3 + i] for i, letter in enumerate(LETTERS)}, "\u0301": [60]}


def piper_voice(folder: Path, name: str, **config: Any) -> Path:
    """Write a voice of :mod:`make_piper`, and return its ``.onnx``."""
    path = folder / f"{name}.onnx"
    path.write_bytes(lzma.decompress((DATA / f"piper_{name}.onnx.xz").read_bytes()))
    speakers = {"alba": 0, "bryn": 1, "carys": 2} if name == "three" else {}
    told = {
        "audio": {"sample_rate": 16000, "quality": "x_low"},
        "espeak": {"voice": "en-us"},
        "inference": {"noise_scale": 0.667, "length_scale": 1.2, "noise_w": 0.8},
        "phoneme_type": "text",
        "phoneme_map": {},
        "phoneme_id_map": SYMBOLS,
        "num_symbols": 64,
        "num_speakers": max(1, len(speakers)),
        "speaker_id_map": speakers,
        "language": {"code": "en_GB"},
    }
    path.with_name(f"{path.name}.json").write_text(json.dumps({**told, **config}))
    return path


def run_piper(path: Path, tokens: np.ndarray, scales: list[float], speaker: int = 0, **noise: np.ndarray) -> np.ndarray:
    """Run the whole graph of a Piper voice in ONNX Runtime, and return its samples.

    :param noise: values for random tensors, by the name of the operator that draws them, which is taken out; without any, the graph is
        untouched.
    """
    import onnx
    import onnxruntime

    model = onnx.load(path)
    given = {"input": tokens[None], "input_lengths": np.array([len(tokens)]), "scales": np.array(scales, np.float32)}
    if any(value.name == "sid" for value in model.graph.input):
        given["sid"] = np.array([speaker])
    for node in [node for node in model.graph.node if node.op_type == "RandomNormalLike" and noise]:
        model.graph.node.remove(node)
        model.graph.input.append(onnx.helper.make_tensor_value_info(node.output[0], onnx.TensorProto.FLOAT, [None, None, None]))
        given[node.output[0]] = noise["duration_noise" if node.name == "/dp/RandomNormalLike" else "noise"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, given)[0].reshape(-1)
