"""Voices of Piper: an ``.onnx`` with its ``.onnx.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import voxstack
from voxstack.networks.addon import Addon
from voxstack_importers.graphs import Graph
from voxstack_importers.kinds import Log, head
from voxstack_importers.piper_config import PiperConfig
from voxstack_importers.reading import addon_name
from voxstack_importers.stacks import SentenceReference, by_sentence
from voxstack_importers.vits_networks import Inputs, networks
from voxstack_importers.vits_original import Original
from voxstack_importers.vits_parts import Parts
from voxstack_packager import package

NAMES = ("input", "input_lengths", "scales", "sid")
"""Inputs of a graph that Piper exports; the last where there are several speakers."""


def convert(path: Path, out: Path, log: Log, **told: str) -> Path:
    """Make an addon of a Piper voice, and return its folder.

    :param path: the ``.onnx``; its configuration lies beside it, as ``.onnx.json``.
    :param told: the options that every importer knows.
    :raises PackagingError: if the graph is not that of a Piper voice, saying what was looked for; or the voice does not say what the
        original says.
    """
    import onnx

    config = PiperConfig.read(path)
    graph = Graph(onnx.load(path), path.name)
    inputs = _inputs(graph, config)
    parts = Parts.of(graph, inputs.speaker)
    original = Original(graph, parts, inputs, "scales")
    rng, ids = np.random.default_rng(1), config.ids
    tokens = rng.choice(ids, 40)
    scales = np.float32([config.noise_scale, config.length_scale, config.noise_w])
    drawn = rng.standard_normal((len(tokens), 2), np.float32)
    said = original(tokens, scales, lambda *shape: rng.standard_normal(shape, np.float32), drawn, config.speakers - 1)
    hop = said.samples.size // said.latents.shape[2]
    log(f"{path.name}: {said.latents.shape[1]} channels, {hop} samples a frame, {config.speakers} speakers")
    blocks, sample = _text_blocks(config, parts), {"type": "GaussianSample", "scale": config.noise_scale}
    return package(
        out,
        **head(told, addon_name(path.with_suffix("")), config.language, config.text),
        sample_rate=config.sample_rate,
        hop_length=hop,
        networks=networks(graph, parts, inputs, said, ids, config.length_scale, config.speakers),
        stack=_stack(config, blocks, sample),
        controls=config.controls(sampled=parts.duration_noise is not None),
        description=f"Imported from the Piper voice {path.name}",
        reference=PiperReference(blocks, sample, original, config.length_scale),
        progress=log,
    )


def _inputs(graph: Graph, config: PiperConfig) -> Inputs:
    wanted = NAMES[: 4 if config.speakers > 1 else 3]
    if tuple(graph.inputs) != wanted:
        counted = f"with num_speakers {config.speakers} in its configuration, a Piper voice"
        raise graph.refused(f"takes {graph.inputs}; {counted} takes {list(wanted)}")
    scales: dict[int, list[str]] = {}
    for node in graph.users("scales"):
        index = graph.constant(node.input[1]) if node.op_type == "Gather" else None
        if index is None:
            raise graph.refused(f"looked for a Gather that takes one number of 'scales', and found a {node.op_type}")
        scales.setdefault(int(index), []).append(node.output[0])
    return Inputs(
        "input", "input_lengths", scales.get(1, []), scales.get(2, []), "sid" if config.speakers > 1 else None
    )


def _text_blocks(config: PiperConfig, parts: Parts) -> list[Mapping[str, Any]]:
    """Return the blocks that compute what the networks read: tokens, the speaker, and noise for durations."""
    blocks = [*config.reading(), *([{"type": "Speakers", **config.who()}] if config.speakers > 1 else [])]
    noise = {"type": "Noise", "name": "duration_noise", "like": "tokens", "features": 2}
    return [*blocks, *([noise] if parts.duration_noise else [])]


def _stack(
    config: PiperConfig, blocks: Sequence[Mapping[str, Any]], sample: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    behind = [
        {"type": "Upsampler", "positions": False, "least": 0, "contours": []},
        sample,
        {"type": "Decoder", "network": "flow"},
        {"type": "Decoder", "network": "decoder"},
    ]
    return by_sentence(config.language, [*blocks, {"type": "Encoders"}], behind)


@dataclass(frozen=True)
class PiperReference(SentenceReference):
    """The graph of a Piper voice, with the noise that the addon's blocks draw.

    :param sample: the block that draws the noise of frames.
    :param length_scale: factor on durations at a rate of 1.
    """

    sample: Mapping[str, Any]
    original: Original
    length_scale: float

    def speech(self, addon: Addon, utterance: voxstack.Utterance) -> np.ndarray:
        """Synthesize a sentence with the original graph: (samples,) float32."""
        sample = voxstack.build(self.sample, addon)

        def noise(frames: int, channels: int) -> np.ndarray:
            standard = np.zeros((frames, 2 * channels), np.float32)
            return next(sample.stream(iter([standard]), {**utterance, "noise_scale": 1.0}))

        tokens = utterance["tokens"]
        length = np.float32(self.length_scale) / np.float32(utterance["rate"])
        scales = np.float32([utterance["noise_scale"], length, utterance.get("noise_w", 0.0)])
        drawn = utterance.get("duration_noise", np.zeros((len(tokens), 2), np.float32))
        return self.original(tokens, scales, noise, drawn, int(utterance.get("speaker_id", 0))).samples.reshape(-1)
