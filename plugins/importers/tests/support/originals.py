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
        model.graph.input.append(
            onnx.helper.make_tensor_value_info(node.output[0], onnx.TensorProto.FLOAT, [None, None, None])
        )
        given[node.output[0]] = noise["duration_noise" if node.name == "/dp/RandomNormalLike" else "noise"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, given)[0].reshape(-1)


def matcha_voice(folder: Path, vocoder: str, **told: str) -> tuple[Path, Path]:
    """Write a voice of :mod:`make_matcha`, and return the ``.onnx`` of its acoustic model and of its vocoder."""
    import onnx

    paths = folder / "model-steps-3.onnx", folder / f"{vocoder}.onnx"
    for name, path in zip(("acoustic", vocoder), paths, strict=True):
        path.write_bytes(lzma.decompress((DATA / f"matcha_{name}.onnx.xz").read_bytes()))
    model = onnx.load(paths[0])
    known = {one.key: one.value for one in model.metadata_props}
    onnx.helper.set_model_props(model, {**known, "has_espeak": "0", **told})
    onnx.save(model, paths[0])
    lines = [f"{symbol} {ids[0]}\n" for symbol, ids in SYMBOLS.items() if symbol != "\u0301"]
    (folder / "tokens.txt").write_text("".join(lines), encoding="utf-8")
    return paths


def run_matcha(path: Path, tokens: np.ndarray, noise_scale: float, rate: float, noise: np.ndarray) -> np.ndarray:
    """Run an acoustic model in ONNX Runtime with its random tensor given, and return the mel, (1, features, frames).

    :param noise: (frames, features), at least as many frames as it takes.
    """
    import onnx
    import onnxruntime

    model = onnx.load(path)
    (node,) = [node for node in model.graph.node if node.op_type == "RandomNormalLike"]
    given = {"x": tokens[None], "x_length": np.array([len(tokens)])}
    given |= {"noise_scale": np.float32([noise_scale]), "length_scale": np.float32([1]) / np.float32([rate])}
    model.graph.output.append(
        onnx.helper.make_tensor_value_info(node.input[0], onnx.TensorProto.FLOAT, [None, None, None])
    )
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    frames = session.run([node.input[0]], given)[0].shape[2]
    model.graph.node.remove(node)
    model.graph.input.append(
        onnx.helper.make_tensor_value_info(node.output[0], onnx.TensorProto.FLOAT, [None, None, None])
    )
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["mel"], {**given, node.output[0]: noise[:frames].T[None]})[0]


def kokoro_voice(folder: Path) -> dict[str, Path]:
    """Write a voice of :mod:`make_kokoro`, and return its ``model``, its table of ``voices``, and its ``config``."""
    paths = {"model": folder / "kokoro.onnx", "voices": folder / "voices-v1.0.bin", "config": folder / "config.json"}
    paths["model"].write_bytes(lzma.decompress((DATA / "kokoro.onnx.xz").read_bytes()))
    random = np.random.default_rng(8)
    with paths["voices"].open("wb") as file:
        np.savez(
            file,
            **{name: random.standard_normal((40, 1, 256)).astype(np.float32) for name in ("af_bella", "bm_george")},
        )
    vocabulary = {symbol: ids[0] for symbol, ids in SYMBOLS.items() if symbol not in ("_", "^", "$")}
    paths["config"].write_text(json.dumps({"vocab": vocabulary}), encoding="utf-8")
    return paths


def run_kokoro(
    path: Path, tokens: np.ndarray, style: np.ndarray, speed: float, normal: np.ndarray, uniform: np.ndarray
) -> np.ndarray:
    """Run a model in ONNX Runtime with its random tensors given, and return its samples.

    :param normal: values of the noise, from the first on again behind the last, in one row; ``uniform`` likewise.
    """
    import onnx
    import onnxruntime

    model = onnx.load(path)
    given = {"input_ids": tokens[None], "style": style, "speed": np.float32([speed])}
    drawn = [node for node in model.graph.node if node.op_type in ("RandomNormalLike", "RandomUniformLike")]
    model.graph.output.extend(
        onnx.helper.make_tensor_value_info(node.input[0], onnx.TensorProto.FLOAT, None) for node in drawn
    )
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    shapes = [value.shape for value in session.run([node.input[0] for node in drawn], given)]
    for node, shape in zip(drawn, shapes, strict=True):
        model.graph.node.remove(node)
        model.graph.input.append(onnx.helper.make_tensor_value_info(node.output[0], onnx.TensorProto.FLOAT, None))
        values = normal if node.op_type == "RandomNormalLike" else uniform
        given[node.output[0]] = np.resize(values, np.prod(shape)).reshape(shape)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["waveform"], given)[0]
