"""Voices of MeloTTS for sherpa-onnx: a graph with ``lexicon.txt`` and ``tokens.txt`` beside it.

MeloTTS is a VITS whose tokens have tones, and whose flow attends to all frames of a sentence: text and flow are
computed at once, and the HiFi-GAN streams. A voice with a flow of convolutions streams from the tokens on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import voxstack
from voxstack.networks.addon import Addon
from voxstack_importers.description import (
    GENERATOR_SCHEDULE,
    SEED,
    Spec,
    noise_scale,
    number,
    rate,
    sentence_stack,
    speaker,
)
from voxstack_importers.graphs import Graph
from voxstack_importers.importers import Progress, addon_header
from voxstack_importers.lexicons import FILE, LexiconFile
from voxstack_importers.melo.graph import INPUTS, MeloVoice, prepare
from voxstack_importers.recognition import outline
from voxstack_importers.references import SentenceReference
from voxstack_importers.token_table import read_token_table
from voxstack_importers.vits.blocks import (
    frame_noise,
    input_blocks,
    latent_blocks,
    sample_block,
    streamed_blocks,
    whole_blocks,
    whole_noise,
)
from voxstack_importers.vits.networks import VitsNetworks
from voxstack_importers.vits.original import VitsOriginal, VitsRun
from voxstack_importers.vits.parts import VitsInputs, VitsParts
from voxstack_packager import package

PREFIX = "whole/"
"""Put before the names of tensors of the graph as it was exported."""

NOISE_SCALE, NOISE_W = 0.667, 0.8
"""Scales of the noise, and of that of durations, unless a request sets others."""


def recognizes(path: Path) -> bool:
    """Return whether a file looks like a MeloTTS voice for sherpa-onnx."""
    return outline(path).inputs == set(INPUTS)


def convert(path: Path, out: Path, progress: Progress, *, lexicon: str = "", tokens: str = "", **options: str) -> Path:
    """Make an addon of a MeloTTS voice, and return its folder.

    :param path: the ``.onnx``.
    :param lexicon: the dictionary; by default ``lexicon.txt`` beside it.
    :param tokens: the table of tokens; by default ``tokens.txt`` beside it.
    :param options: the options of every importer.
    :raises PackagingError: if the graph is not that of a MeloTTS voice, saying what was looked for; or if the addon's
        speech differs from that of the original.
    """
    import onnx

    model, voice = prepare(onnx.load(path), path.name)
    table = Path(tokens) if tokens else path.with_name("tokens.txt")
    dictionary = _read_dictionary(Path(lexicon) if lexicon else path.with_name(FILE), table, voice)

    graph = Graph(model, path.name, PREFIX)
    inputs = _inputs(voice)
    parts = VitsParts.find(graph, inputs.speaker)
    original = VitsOriginal(graph, parts, inputs)
    run = _run_once(original, dictionary, voice.speakers)
    whole, channels, sampled = parts.attends(graph), run.latents.shape[1], parts.duration_noise is not None
    progress(f"{path.name}: {channels} channels, {run.hop_length} samples a frame, {voice.speakers} speakers")
    values = np.unique(run.tokens).tolist(), 1.0, voice.speakers, {"tones": dictionary.tone_numbers}

    names = [str(number) for number in range(voice.speakers)] if inputs.speaker else []
    numbers = {"numbers": "en-US"} if voice.language == "en" else {}
    reading = [dictionary.block(blank=[0] if voice.blank else [], **numbers)]
    blocks = input_blocks(reading, names, None, sampled)
    sample = whole_noise(channels) if whole else sample_block(NOISE_SCALE)
    language = options.get("language", voice.language)
    computed = _computed_blocks(channels, inputs.speaker) if whole else [{"type": "Encoders"}]
    streamed = latent_blocks("decoder") if whole else streamed_blocks(sample, "decoder")

    return package(
        out,
        **addon_header({"license": voice.license, **options}, path.resolve().parent, language, dictionary.text),
        sample_rate=voice.sample_rate,
        hop_length=run.hop_length,
        networks=VitsNetworks(graph, parts, inputs, run, *values).cut(progress),
        stack=sentence_stack(language, [*blocks, *computed], streamed),
        controls=_controls(names, sampled),
        schedule=GENERATOR_SCHEDULE,
        files={FILE: dictionary.path},
        description=f"Imported from the MeloTTS voice {path.name}",
        reference=MeloReference(blocks, sample, original),
        progress=progress,
    )


def _controls(names: list[str], sampled: bool) -> dict[str, Any]:
    """Return what a request may set; ``sampled``: durations, too, are sampled."""
    controls = {**rate(), **noise_scale(NOISE_SCALE), **SEED, **(speaker(names) if names else {})}
    return {**controls, "noise_w": number(NOISE_W, 0.0, 2.0, "Variation of durations.")} if sampled else controls


def _read_dictionary(path: Path, table: Path, voice: MeloVoice) -> LexiconFile:
    symbols = read_token_table(table)
    if voice.language == "en" and "V" in symbols:
        symbols["v"] = symbols["V"]  # as MeloTTS reads its English dictionary
    return LexiconFile.read(path, symbols, tones=True)


def _computed_blocks(channels: int, speaker: str | None) -> list[Spec]:
    """Return the blocks from tokens to the latents of a sentence, with the embedding of the speaker, if it has one."""
    looked_up: list[Spec] = [{"type": "Encoders", "networks": ["speakers"]}] if speaker else []
    return [*looked_up, *whole_blocks(channels)]


def _inputs(voice: MeloVoice) -> VitsInputs:
    return VitsInputs(
        tokens=f"{PREFIX}x",
        lengths=f"{PREFIX}x_lengths",
        scales=f"{PREFIX}scales",
        duration_factors=[f"{PREFIX}length_scale"],
        duration_noise_factors=[f"{PREFIX}noise_scale_w"],
        speaker=voice.speaker_input and f"{PREFIX}{voice.speaker_input}",
        others={"tones": f"{PREFIX}tones"},
    )


def _run_once(original: VitsOriginal, dictionary: LexiconFile, speakers: int) -> VitsRun:
    """Run the original on random tokens, for the golden vectors of each network."""
    rng = np.random.default_rng(1)
    drawn = rng.choice(sorted(set(dictionary.symbols.values())), 40)
    scales = np.array([NOISE_SCALE, 1.0, NOISE_W], np.float32)

    def noise(frames: int, channels: int) -> np.ndarray:
        return rng.standard_normal((frames, channels), np.float32)

    duration_noise = rng.standard_normal((len(drawn), 2), np.float32)
    others = {"tones": rng.choice(dictionary.tone_numbers, len(drawn))}
    return original.run(drawn, scales, noise, duration_noise, speakers - 1, others)


@dataclass(frozen=True)
class MeloReference(SentenceReference):
    """The graph of a MeloTTS voice, with the noise that the addon's blocks draw.

    :param sample: the block that draws the noise of frames: a ``Noise`` for all of them, or a ``GaussianSample``.
    """

    sample: Spec
    original: VitsOriginal

    def speech(self, addon: Addon, utterance: voxstack.Utterance) -> np.ndarray:
        """Synthesize a sentence with the original graph: (samples,) float32."""

        def noise(frames: int, channels: int) -> np.ndarray:
            if self.sample["type"] == "GaussianSample":
                return frame_noise(self.sample, addon, utterance, frames, channels)
            block: voxstack.SequenceBlock = voxstack.build(self.sample)
            return np.asarray(block({**utterance, "prior": np.zeros((frames, 1))})["noise"])

        tokens = utterance["tokens"]
        length = np.ones(1, np.float32) / np.float32(utterance["rate"])
        scales = np.array([utterance["noise_scale"], *length, utterance.get("noise_w", 0.0)], np.float32)
        duration_noise = utterance.get("duration_noise", np.zeros((len(tokens), 2), np.float32))
        others = {"tones": utterance["tones"]}
        run = self.original.run(tokens, scales, noise, duration_noise, int(utterance.get("speaker_id", 0)), others)
        return run.samples.reshape(-1)
