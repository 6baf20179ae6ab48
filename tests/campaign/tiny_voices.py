"""Small voices of every kind of network and of most blocks, whose networks are one Python function."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

import voxstack
from tests.support.tiny import network, tensor
from voxstack.networks import Context, NetworkSpec, Runner

MAX_OUTPUT = 2**18
"""Elements of an output; a network may declare more than a campaign has memory for."""


class Runtime:
    """A plugin with the runtime ``python``: every network returns ones, of the types and shapes that it declares."""

    @voxstack.hookimpl
    def voxstack_open_network(self, spec: NetworkSpec, context: Context) -> Runner | None:
        """Open a network, whatever is in its files."""
        if context.runtime != "python":
            return None
        spec.export("python", "python")

        def run(**tensors: np.ndarray) -> Mapping[str, np.ndarray]:
            sizes = {a: n for name, x in tensors.items() for a, n in zip(spec.inputs[name].shape, x.shape, strict=True)}
            return {name: _ones(spec, output.shape, output.dtype, sizes) for name, output in spec.outputs.items()}

        return run


def _ones(spec: NetworkSpec, axes: tuple[str | int, ...], dtype: str, sizes: Mapping[Any, int]) -> np.ndarray:
    shape = []
    for axis in axes:
        known = spec.length(axis) if isinstance(axis, str) else None
        size = sizes.get(known[0], 1) * known[1] if known else sizes.get(axis, 1)
        shape.append(axis if isinstance(axis, int) else size)
    if math.prod(shape) > MAX_OUTPUT:
        raise ValueError("too much memory")
    return np.ones(shape, dtype)


def _voice(name: str, stack: list[dict[str, Any]], networks: dict[str, Any], **more: Any) -> dict[str, Any]:
    config: dict[str, Any] = {"spec_version": 3, "name": name, "version": "1", "license": "MIT", "languages": ["en"]}
    config |= {"sample_rate": 8000, "hop_length": 4, "description": "A voice.", "networks": networks}
    number = {"type": "number", "default": 1.0, "minimum": 0.5, "maximum": 2, "description": "Speed."}
    config["controls"] = {"rate": number, "style": {"type": "string", "enum": ["a", "b"], "default": "a"}}
    config["contexts"] = {
        "default": {"runtime": "python"},
        "fixed": {"runtime": "python", "shapes": {"tokens": [24, 64]}, "threads": 2},
        "server": {"runtime": "python", "batch": 4, "networks": {"encoder": "default"}, "schedule": {"first": 8}},
    }
    return {**config, "schedule": {"first": 8, "growth": 2.0, "largest": 64}, "stack": stack, **more}


ENCODER = network(
    "encoder",
    {"tokens": tensor("batch", "tokens", dtype="int64"), "mask": tensor("batch", "tokens", mask=True)},
    {"encoded": tensor("batch", "tokens", 3), "durations": tensor("batch", "tokens")},
    measured={"batch_error": 0.0, "mask_error": {"tokens": 0.0}, "scale": {"encoded": 1.0}},
)
DECODER = network(
    "decoder",
    {"frames": tensor("batch", "frames", 3), "mask": tensor("batch", "frames", mask=True)},
    {"mel": tensor("batch", "frames", 2)},
    streaming={"axis": "frames", "left": 2, "right": 1, "hop": 1},
    stateful={
        "inputs": {
            "frames": tensor("batch", "frames", 3),
            "past": tensor("batch", "past_steps", 2),
            "end": tensor(1, dtype="int64"),
        },
        "outputs": {"mel": tensor("batch", "mel_steps", 2), "past_next": tensor("batch", "next_steps", 2)},
        "streaming": {
            "axis": "frames",
            "right": 0,
            "hop": 1,
            "states": {"past": {"next": "past_next", "steps": 2}},
        },
        "exports": [{"format": "python", "symbol": "decoder.txt"}],
    },
)
VOCODER = network(
    "vocoder",
    {"mel": tensor("batch", "frames", 2)},
    {"samples": tensor("batch", "samples")},
    streaming={"axis": "frames", "left": 1, "right": 1, "hop": 4},
)
STEP = network(
    "decoder",
    {"encoded": tensor("batch", "tokens", 3), "mask": tensor("batch", "tokens", mask=True)}
    | {"past": tensor("batch", 1, 2), "noise": tensor("batch", 2)},
    {"frames": tensor("batch", 2, 2), "stop": tensor("batch", 1), "attention": tensor("batch", "tokens")}
    | {"past_next": tensor("batch", 1, 2)},
    autoregressive={
        "frames": "frames",
        "stop": "stop",
        "attention": "attention",
        "states": {"past": {"next": "past_next"}},
        "noise": {"noise": "normal"},
    },
)
del DECODER["stateful"]["inputs"]["end"]
DECODER["stateful"]["outputs"]["mel"]["shape"][1] = "frames"

LETTERS = {letter: [number + 1] for number, letter in enumerate("abcdefghijklmnopqrstuvwxyz .!")}
CHARACTERS = {"type": "Characters", "symbols": LETTERS, "lower": True, "start": [0], "end": [0]}


def _pipeline(sequence: list[dict[str, Any]], stream: list[dict[str, Any]]) -> dict[str, Any]:
    container = {"type": "SequenceBlockContainer", "blocks": sequence}
    streams = {"type": "StreamableStack", "stack": stream}
    return {"type": "StreamablePipeline", "sequence_block": container, "streamable_block": streams}


PARALLEL = _voice(
    "parallel",
    [
        _pipeline(
            [CHARACTERS, {"type": "Encoders", "networks": ["encoder"]}, {"type": "Pace", "rate": 1.0}],
            [
                {"type": "Upsampler", "positions": False},
                {"type": "Probe", "name": "frames"},
                {"type": "Decoder", "network": "decoder"},
                {"type": "Stopwatch", "block": {"type": "Decoder", "network": "vocoder"}},
                {"type": "Limiter", "sample_rate": 8000},
                {"type": "Fade", "sample_rate": 8000},
                {"type": "Gain", "db": -3.0, "hop_length": 4},
            ],
        )
    ],
    {"encoder": ENCODER, "decoder": DECODER, "vocoder": VOCODER},
)
STEPWISE = _voice(
    "stepwise",
    [
        {
            "type": "Sentences",
            "first": 40,
            "block": _pipeline(
                [{"type": "Text"}, {"type": "CustomizedEncoders", "workers": 2}],
                [
                    {"type": "AttentionAlarms", "block": {"type": "AutoregressiveDecoder", "longest": 8}},
                    {"type": "Decoder", "network": "vocoder"},
                    {"type": "Resample", "source_rate": 16_000, "target_rate": 8000, "quality": "LQ"},
                ],
            ),
        }
    ],
    {
        "encoder": {**ENCODER, "inputs": {**ENCODER["inputs"], "tokens": tensor("batch", "tokens", 6, dtype="int64")}},
        "step": {**STEP, "outputs": {**STEP["outputs"], "frames": tensor("batch", 2, 2)}},
        "vocoder": {**VOCODER, "inputs": {"frames": VOCODER["inputs"]["mel"]}},
    },
)
SPECTRAL = _voice(
    "spectral",
    [
        _pipeline(
            [
                CHARACTERS,
                {"type": "Speakers", "names": ["one", "two"], "default": "one"},
                {"type": "ProbeSequence", "block": {"type": "Encoders"}},
                {"type": "Expand", "tensor": "encoded", "name": "latent"},
                {"type": "Noise", "name": "noise", "like": "latent", "features": 3},
            ],
            [
                {"type": "WholeFrames", "tensor": "latent", "makes_stream": "spectra"},
                {"type": "Prefetch", "chunks": 1},
                {"type": "InverseSTFT", "n_fft": 4, "hop_length": 2, "centered": True},
            ],
        )
    ],
    {"encoder": {**ENCODER, "outputs": {**ENCODER["outputs"], "encoded": tensor("batch", "tokens", 6)}}},
)
LENDER: dict[str, Any] = {key: value for key, value in PARALLEL.items() if key != "stack"} | {"name": "lender"}
VOICES = {voice["name"]: voice for voice in (PARALLEL, STEPWISE, SPECTRAL, LENDER)}

TABLE, GOLDEN = "tables/words.tsv", "golden/encoder.npz"


def files_of(name: str) -> dict[str, bytes]:
    """Return the files of a voice by name, addon.json first, which lists the others."""
    config = copy.deepcopy(VOICES[name])
    contents = {TABLE: b"one\tW AH N\ntwo\tT UW\n", GOLDEN: bytes(range(256))}
    for spec in config["networks"].values():
        contents |= {export["symbol"]: export["symbol"].encode() for export in spec["exports"]}
    hashes = {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()}
    config["files"] = {file: {"sha256": hashes[file], "size": len(contents[file])} for file in sorted(contents)}
    config["golden"] = [GOLDEN]
    return {"addon.json": json.dumps(config).encode(), **contents}
