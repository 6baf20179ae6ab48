"""Voices of other software, as the tests have them on disk, and that software's own way to run them."""

from __future__ import annotations

import functools
import json
import lzma
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parents[1] / "data"
LETTERS = "abcdefghijklmnopqrstuvwxyz ,.?!'-éT"
SYMBOLS = {"_": [0], "^": [1], "$": [2], **{letter: [3 + i] for i, letter in enumerate(LETTERS)}, "\u0301": [60]}


def piper_voice(folder: Path, name: str, **config: Any) -> Path:
    """Write a voice of :mod:`make_piper`, and return its ``.onnx``."""
    path = folder / f"{name}.onnx"
    path.write_bytes(_unpacked(f"piper_{name}"))
    speakers = {"alba": 0, "bryn": 1, "carys": 2} if name == "three" else {}
    settings = {
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
    path.with_name(f"{path.name}.json").write_text(json.dumps({**settings, **config}))
    return path


def run_piper(path: Path, tokens: np.ndarray, scales: list[float], speaker: int = 0, **noise: np.ndarray) -> np.ndarray:
    """Run the whole graph of a Piper voice in ONNX Runtime, and return its samples.

    :param noise: values for random tensors, by the name of the operator that draws them, which is taken out; without
        any, the graph is untouched.
    """
    session = _session(path, ("RandomNormalLike",) if noise else ())
    inputs = {"input": tokens[None], "input_lengths": np.array([len(tokens)]), "scales": np.array(scales, np.float32)}
    names = [value.name for value in session.get_inputs()]
    if "sid" in names:
        inputs["sid"] = np.array([speaker])
    for name in names:
        if name not in inputs:
            inputs[name] = noise["duration_noise" if name.startswith("/dp/RandomNormalLike") else "noise"]
    return session.run(None, inputs)[0].reshape(-1)


def matcha_voice(folder: Path, vocoder: str, **metadata: str) -> tuple[Path, Path]:
    """Write a voice of :mod:`make_matcha`, and return the ``.onnx`` of its acoustic model and of its vocoder."""
    import onnx

    paths = folder / "model-steps-3.onnx", folder / f"{vocoder}.onnx"
    for name, path in zip(("acoustic", vocoder), paths, strict=True):
        path.write_bytes(_unpacked(f"matcha_{name}"))
    model = onnx.load(paths[0])
    own = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(model, {**own, "has_espeak": "0", **metadata})
    onnx.save(model, paths[0])
    lines = [f"{symbol} {ids[0]}\n" for symbol, ids in SYMBOLS.items() if symbol != "\u0301"]
    (folder / "tokens.txt").write_text("".join(lines), encoding="utf-8")
    return paths


def run_matcha(path: Path, tokens: np.ndarray, noise_scale: float, rate: float, noise: np.ndarray) -> np.ndarray:
    """Run an acoustic model in ONNX Runtime with its random tensor as an input.

    :param noise: (frames, features), at least as many frames as it reads.
    :returns: the mel-spectrogram, (1, features, frames).
    """
    inputs = {"x": tokens[None], "x_length": np.array([len(tokens)])}
    inputs |= {"noise_scale": np.float32([noise_scale]), "length_scale": np.float32([1]) / np.float32([rate])}
    ((name, like),) = _random_tensors(path, ("RandomNormalLike",)).items()
    frames = _session(path, outputs=(like,)).run([like], inputs)[0].shape[2]
    return _session(path, ("RandomNormalLike",)).run(["mel"], {**inputs, name: noise[:frames].T[None]})[0]


def run_vocoder(path: Path, mel: np.ndarray) -> list[np.ndarray]:
    """Run a vocoder in ONNX Runtime on a mel-spectrogram, (1, features, frames), and return its outputs."""
    session = _session(path)
    return session.run(None, {session.get_inputs()[0].name: mel})


def kokoro_voice(folder: Path) -> dict[str, Path]:
    """Write a voice of :mod:`make_kokoro`, and return its ``model``, its table of ``voices``, and its ``config``."""
    paths = {"model": folder / "kokoro.onnx", "voices": folder / "voices-v1.0.bin", "config": folder / "config.json"}
    paths["model"].write_bytes(_unpacked("kokoro"))
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
    """Run a model in ONNX Runtime with its random tensors as inputs, and return its samples.

    :param normal: values of the noise in one row, used again from the first on after the last; ``uniform`` likewise.
    """
    operators = ("RandomNormalLike", "RandomUniformLike")
    inputs = {"input_ids": tokens[None], "style": style, "speed": np.float32([speed])}
    tensors = _random_tensors(path, operators)
    likes = tuple(tensors.values())
    shapes = [value.shape for value in _session(path, outputs=likes).run(list(likes), inputs)]
    for name, shape in zip(tensors, shapes, strict=True):
        values = normal if name in _random_tensors(path, ("RandomNormalLike",)) else uniform
        inputs[name] = np.resize(values, np.prod(shape)).reshape(shape)
    return _session(path, operators).run(["waveform"], inputs)[0]


def kitten_voice(folder: Path, rows: int = 40, **config: Any) -> Path:
    """Write a voice of :mod:`make_kitten`, without random operators, and return its folder as it is published.

    :param rows: number of styles of each of two speakers.
    :param config: more of the ``config.json``.
    """
    import onnx

    folder.mkdir(exist_ok=True)
    model = onnx.load_from_string(_unpacked("kitten"))
    for node in model.graph.node:
        if node.op_type in ("RandomNormalLike", "RandomUniformLike"):  # the software draws other values in each run
            like = node.input[0]
            node.CopyFrom(onnx.helper.make_node("Sub", [like, like], list(node.output), node.name))
    onnx.save(model, folder / "kitten.onnx")
    random = np.random.default_rng(9)
    styles = {f"expr-voice-2-{kind}": random.standard_normal((rows, 256)).astype(np.float32) for kind in "mf"}
    np.savez(folder / "voices.npz", **styles)
    settings = {"type": "ONNX2", "model_file": "kitten.onnx", "voices": "voices.npz"}
    settings |= {"voice_aliases": {"Bella": "expr-voice-2-f"}, "speed_priors": {"expr-voice-2-f": 0.8}}
    (folder / "config.json").write_text(json.dumps({**settings, **config}))
    return folder


def matcha_speakers(folder: Path) -> Path:
    """Write the voice of :mod:`make_matcha` with three speakers and a dictionary, and return its acoustic model."""
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(_unpacked("matcha_speakers"))
    (folder / "vocoder.onnx").write_bytes(_unpacked("matcha_hifigan"))
    phones = "_ n i3 i2 h ao3 sh iy4 j ie4 sil , .".split()
    (folder / "tokens.txt").write_text("".join(f"{phone} {5 * token}\n" for token, phone in enumerate(phones)))
    words = {"\u4f60": "n i3", "\u597d": "h ao3", "\u4f60\u597d": "n i2 h ao3", "\u4e16\u754c": "sh iy4 j ie4"}
    (folder / "lexicon.txt").write_text("".join(f"{word} {read}\n" for word, read in words.items()))
    return folder / "model.onnx"


PHONES = "_ hh ah l ow w er d dh ih s z n i h ao sh ir t iy v V , . ! ? \uff0c".split()
WORDS = {
    "hello": "hh ah l ow 7 8 7 9",
    "world": "w er l d 7 9 7 7",
    "this": "dh ih s 7 8 7",
    "Is": "ih z 8 7",
    "\u4f60\u597d": "n i h ao 2 2 3 3",
    "\u4f60": "n i 3 3",
    "\u4e16": "sh ir 4 4",
    "t": "t iy 7 9",
    "vow": "v ow 7 9",
    "\u6bcd": "n ow 3 3",
    "\u6069": "n n 1 1",
}
"""Words of the dictionaries, with phones and tones; the last two are those that sherpa-onnx looks for."""


def melo_voice(folder: Path, name: str) -> Path:
    """Write a voice of :mod:`make_melo` with its dictionary and table of tokens, and return its ``.onnx``.

    :param name: ``one``, whose flow attends to all frames, or ``five``, whose flow is of convolutions.
    """
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(_unpacked(f"melo_{name}"))
    lines = "".join(f"{phone} {7 * token}\n" for token, phone in enumerate(PHONES))
    (folder / "tokens.txt").write_text(lines, encoding="utf-8")
    lexicon = "".join(f"{word} {phones}\n" for word, phones in WORDS.items())
    (folder / "lexicon.txt").write_text(lexicon, encoding="utf-8")
    return folder / "model.onnx"


def tiny_voice(folder: Path) -> Path:
    """Write the graphs of :mod:`make_melo` for tiny-tts and a dictionary in its form, and return their folder."""
    folder.mkdir(exist_ok=True)
    for name in ("text_encoder", "duration_predictor", "flow", "decoder"):
        (folder / f"{name}.onnx").write_bytes(_unpacked(f"tiny_{name}"))
    words = {"HELLO": "HH AH0 - L OW1", "WORLD": "W ER1 L D", "T": "T IY1", "DON": "D AA1 N", "VIEW": "V Y UW1"}
    lines = "".join(f"{word}  {phones}\n" for word, phones in {"DON'T": "D OW1 N T", **words, "A": "AH0"}.items())
    (folder / "cmudict.rep").write_text("## a comment\n" * 48 + lines)
    return folder


def supertonic_voice(folder: Path, split: str = "opensource-multilingual") -> Path:
    """Write a voice of :mod:`make_supertonic`, with two styles, and return its folder as it is published."""
    (folder / "onnx").mkdir(parents=True)
    (folder / "voice_styles").mkdir()
    for name in ("duration_predictor", "text_encoder", "vector_estimator", "vocoder"):
        (folder / "onnx" / f"{name}.onnx").write_bytes(_unpacked(f"supertonic_{name}"))
    index = [-1] * 0x400
    for token, character in enumerate(" abcdefghijklmnopqrstuvwxyz.,!?;:'\"-<>/ABCDEHITW\u0301"):
        index[ord(character)] = token
    (folder / "onnx" / "unicode_indexer.json").write_text(json.dumps(index))
    latents, encoder = {"latent_dim": 4, "chunk_compress_factor": 6}, {"sample_rate": 44100, "base_chunk_size": 512}
    config = {"tts_version": "v1.7.3", "split": split, "ttl": latents, "ae": encoder}
    (folder / "onnx" / "tts.json").write_text(json.dumps(config))
    random = np.random.default_rng(5)
    for name in ("F1", "M1"):
        shapes = {"style_ttl": (1, 10, 16), "style_dp": (1, 4, 8)}
        style = {key: {"dims": dims, "data": random.standard_normal(dims).tolist()} for key, dims in shapes.items()}
        (folder / "voice_styles" / f"{name}.json").write_text(json.dumps(style))
    return folder


@functools.cache
def _unpacked(name: str) -> bytes:
    return lzma.decompress((DATA / f"{name}.onnx.xz").read_bytes())


@functools.cache
def _random_tensors(path: Path, operators: Sequence[str]) -> dict[str, str]:
    """Return the tensors that operators of these types draw, each with the tensor of the same shape that they read."""
    import onnx

    return {node.output[0]: node.input[0] for node in onnx.load(path).graph.node if node.op_type in operators}


@functools.cache
def _session(path: Path, removed: Sequence[str] = (), outputs: Sequence[str] = ()) -> Any:
    """Open a graph, once for each file.

    :param removed: types of operators that are taken out, so that what they draw becomes inputs.
    :param outputs: more tensors to output.
    """
    import onnx
    import onnxruntime

    model, any_type = onnx.load(path), onnx.TensorProto.FLOAT
    for node in [node for node in model.graph.node if node.op_type in removed]:
        model.graph.node.remove(node)
        model.graph.input.append(onnx.helper.make_tensor_value_info(node.output[0], any_type, None))
    model.graph.output.extend(onnx.helper.make_tensor_value_info(name, any_type, None) for name in outputs)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
