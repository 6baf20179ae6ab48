"""Voices of Piper: an ``.onnx`` with its ``.onnx.json``.

The files of a voice are read, its graph is cut into networks, its stack and controls are described, and all of it is
packaged and proved against the original.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import voxstack
from voxstack.networks.addon import Addon
from voxstack_importers.contexts import fixed_contexts
from voxstack_importers.description import GENERATOR_SCHEDULE, Spec
from voxstack_importers.graphs import Graph
from voxstack_importers.importers import Progress, addon_header
from voxstack_importers.model_card import card_license
from voxstack_importers.piper.config import PiperConfig
from voxstack_importers.piper.likeness import SAMPLES, choose, piper_stack
from voxstack_importers.recognition import outline
from voxstack_importers.references import SentenceReference, apply_loudness, read_tokens
from voxstack_importers.vits.blocks import frame_noise, input_blocks, sample_block, streamed_blocks
from voxstack_importers.vits.networks import VitsNetworks
from voxstack_importers.vits.original import VitsOriginal, VitsRun
from voxstack_importers.vits.parts import VitsInputs, VitsParts
from voxstack_packager import package

INPUTS = ("input", "input_lengths", "scales", "sid")
"""Inputs of a graph that Piper exports; the last if there are several speakers."""


def recognizes(path: Path) -> bool:
    """Return whether a file looks like a Piper voice."""
    return outline(path).inputs in ({*INPUTS}, {*INPUTS[:3]})


def convert(path: Path, out: Path, progress: Progress, **options: str) -> Path:
    """Make an addon of a Piper voice, and return its folder.

    :param path: the ``.onnx``; its configuration lies beside it, as ``.onnx.json``.
    :param options: the options of every importer, and ``like`` and ``loudness`` (:mod:`.likeness`).
    :raises PackagingError: if the graph is not that of a Piper voice, saying what was looked for; or if the addon's
        speech differs from that of the original.
    """
    import onnx

    like, loudness = choose(options)
    config = PiperConfig.read(path)
    graph = Graph(onnx.load(path), path.name)
    inputs = _find_inputs(graph, config)
    parts = VitsParts.find(graph, inputs.speaker)
    original = VitsOriginal(graph, parts, inputs)
    run = _run_once(original, config)
    channels, speakers = run.latents.shape[1], config.speakers
    progress(f"{path.name}: {channels} channels, {run.hop_length} samples a frame, {speakers} speakers")
    networks = VitsNetworks(graph, parts, inputs, run, config.tokens, config.length_scale, speakers)

    sampled = parts.duration_noise is not None
    reading = config.reading(pauses=like != "piper")
    blocks = input_blocks(reading, config.names if speakers > 1 else [], config.default_speaker, sampled)
    sample = sample_block(config.noise_scale)
    stack = piper_stack(
        config.language,
        config.espeak_voice if config.phoneme_type == "espeak" else None,
        [*blocks, {"type": "Encoders"}],
        streamed_blocks(sample, "decoder"),
        like=like,
        loudness=loudness,
        sample_rate=config.sample_rate,
        peaks=lambda: _peaks(original, config),
    )

    return package(
        out,
        **addon_header({"license": card_license(path), **options}, path.with_suffix(""), config.language, config.text),
        sample_rate=config.sample_rate,
        hop_length=run.hop_length,
        networks=networks.cut(progress),
        stack=stack,
        controls=config.controls(sampled),
        schedule=GENERATOR_SCHEDULE,
        contexts=lambda cut: fixed_contexts(cut, progress),
        description=f"Imported from the Piper voice {path.name}",
        reference=PiperReference(blocks, sample, original, config.length_scale),
        progress=progress,
    )


def _peaks(original: VitsOriginal, config: PiperConfig) -> np.ndarray:
    """Return the highest absolute value of each of some sentences, without noise."""
    scales = np.array([0.0, config.length_scale, 0.0], np.float32)
    peaks = []
    for text in SAMPLES if config.phoneme_type == "espeak" else [config.text]:
        tokens = read_tokens(config.reading(), text)
        still = np.zeros((len(tokens), 2), np.float32)
        run = original.run(tokens, scales, lambda *shape: np.zeros(shape, np.float32), still)
        peaks.append(np.abs(run.samples).max())
    return np.array(peaks)


def _find_inputs(graph: Graph, config: PiperConfig) -> VitsInputs:
    several = config.speakers > 1
    expected = INPUTS if several else INPUTS[:3]
    if tuple(graph.inputs) != expected:
        counted = f"with num_speakers {config.speakers} in its configuration, a Piper voice"
        raise graph.refusal(f"takes {graph.inputs}; {counted} takes {list(expected)}")
    factors: dict[int, list[str]] = {}
    for node in graph.consumers("scales"):
        index = graph.constant(node.input[1]) if node.op_type == "Gather" else None
        if index is None:
            raise graph.refusal(f"looked for a Gather that selects one number of 'scales', and found a {node.op_type}")
        factors.setdefault(int(index), []).append(node.output[0])
    speaker = "sid" if several else None
    return VitsInputs("input", "input_lengths", "scales", factors.get(1, []), factors.get(2, []), speaker)


def _run_once(original: VitsOriginal, config: PiperConfig) -> VitsRun:
    """Run the original on random tokens, for the golden vectors of each network."""
    rng = np.random.default_rng(1)
    tokens = rng.choice(config.tokens, 40)
    scales = np.array([config.noise_scale, config.length_scale, config.noise_w], np.float32)
    duration_noise = rng.standard_normal((len(tokens), 2), np.float32)

    def noise(frames: int, channels: int) -> np.ndarray:
        return rng.standard_normal((frames, channels), np.float32)

    return original.run(tokens, scales, noise, duration_noise, config.speakers - 1)


@dataclass(frozen=True)
class PiperReference(SentenceReference):
    """The graph of a Piper voice, with the noise that the addon's blocks draw.

    :param sample: the block that samples frames.
    :param length_scale: factor on durations at a rate of 1.
    """

    sample: Spec
    original: VitsOriginal
    length_scale: float

    def speech(self, addon: Addon, utterance: voxstack.Utterance) -> np.ndarray:
        """Synthesize a sentence with the original graph: (samples,) float32."""

        def noise(frames: int, channels: int) -> np.ndarray:
            return frame_noise(self.sample, addon, utterance, frames, channels)

        tokens = utterance["tokens"]
        length = np.float32(self.length_scale) / np.float32(utterance["rate"])
        scales = np.array([utterance["noise_scale"], length, utterance.get("noise_w", 0.0)], np.float32)
        duration_noise = utterance.get("duration_noise", np.zeros((len(tokens), 2), np.float32))
        run = self.original.run(tokens, scales, noise, duration_noise, int(utterance.get("speaker_id", 0)))
        return apply_loudness(run.samples.reshape(-1), addon)
