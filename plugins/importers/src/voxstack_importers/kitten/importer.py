"""Voices of KittenTTS 1: a graph from tokens, style and speed to audio, and the styles of its speakers.

The model is a StyleTTS 2 with an iSTFTNet, as Kokoro is, so a sentence is computed at once and output in chunks on
demand. It differs in what goes in: the marks of the text among the phonemes, a style that depends on the number of
characters, and a speed of each speaker.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import voxstack
from voxstack.networks.addon import Addon
from voxstack_importers.description import (
    GOLDEN_TEXT,
    SEED,
    Spec,
    character_blocks,
    phoneme_blocks,
    rate,
    sentence_stack,
    speaker,
)
from voxstack_importers.graphs import Graph
from voxstack_importers.importers import Progress, addon_header
from voxstack_importers.kitten.files import KittenFiles, KittenVoices
from voxstack_importers.kitten.styles import style_network
from voxstack_importers.kitten.symbols import SYMBOLS
from voxstack_importers.kokoro.model import KokoroModel, KokoroRun
from voxstack_importers.kokoro.noise import draw
from voxstack_importers.recognition import json_object, outline
from voxstack_importers.references import SentenceReference
from voxstack_importers.token_table import read_token_table
from voxstack_packager import PackagingError, package

PREFIX = "whole/"
"""Put before the names of tensors of the graph as it was exported."""

INPUTS = {"input_ids", "style", "speed"}

SAMPLE_RATE = 24000
"""In Hz."""

OMITTED = 5000
"""Samples at the end of a sentence that the models with a style for each length end with, and KittenTTS cuts off."""

MAX_CHARACTERS = 350
"""Characters of a sentence that has fewer phonemes than the model accepts, which are 510."""


def recognizes(path: Path) -> bool:
    """Return whether a file or folder looks like a voice of KittenTTS 1."""
    if path.is_dir():
        return str(json_object(path / "config.json").get("type", "")).startswith("ONNX")
    found = outline(path)
    beside = json_object(path.with_name("config.json")).get("model_file") == path.name
    named = "kitten" in path.name.lower() or found.metadata.get("model_type") == "kitten-tts"
    return found.inputs == INPUTS and (named or beside)


def convert(
    path: Path, out: Path, progress: Progress, *, voices: str = "", phonemes: str = "espeak", **options: str
) -> Path:
    """Make an addon of a KittenTTS voice, and return its folder.

    :param path: the ``.onnx``, or the folder with its ``config.json``.
    :param voices: the ``.npz``, or the ``.bin`` for sherpa-onnx; by default that in the configuration or beside it.
    :param phonemes: ``espeak``, or ``text`` if texts are written in phonemes.
    :param options: the options of every importer.
    :raises PackagingError: if the files are not such a voice, saying what was looked for; or if the addon's speech
        differs from that of the original.
    """
    import onnx

    files = KittenFiles.find(path, voices)
    graph = Graph(onnx.load(files.model), files.model.name, PREFIX)
    names = {name.removeprefix(PREFIX) for name in graph.inputs}
    if names != INPUTS:
        raise graph.refusal(f"takes {sorted(names)}; a KittenTTS 1 model takes {sorted(INPUTS)}")
    styles = KittenVoices.read(files.voices, files.config, graph.metadata)
    table = files.model.with_name("tokens.txt")
    symbols = {s: [token] for s, token in read_token_table(table).items()} if table.is_file() else SYMBOLS
    language = options.get("language", "en-us")

    model = KokoroModel.find(graph)
    run = _run_once(model, styles, symbols, files.model.name)
    progress(f"{files.model.name}: {len(styles.names)} speakers, {styles.rows} styles of each")

    blocks = [*_reading(symbols, phonemes, language, styles), *model.noise_blocks]
    omitted = OMITTED if styles.rows > 1 else 0
    streamed = {"type": "WholeFrames", "tensor": "samples", "makes_stream": "samples", "omitted": omitted}
    stack = sentence_stack(language, [*blocks, {"type": "Encoders"}], streamed, longest=MAX_CHARACTERS)
    text = GOLDEN_TEXT if phonemes == "espeak" else "".join(symbol for symbol in symbols if symbol.isalpha())[:40]

    return package(
        out,
        **addon_header(options, path.with_suffix("") if path.is_file() else path.resolve(), language, text),
        sample_rate=int(graph.metadata.get("sample_rate", SAMPLE_RATE)),
        hop_length=run.hop_length,
        networks=[style_network(styles), model.cut(run)],
        stack=stack,
        controls={**rate(0.5, 2.0), **SEED, **speaker(styles.names)},
        description=f"Imported from the KittenTTS model {files.model.name}",
        reference=KittenReference(blocks, model, styles, omitted),
        progress=progress,
    )


def _reading(symbols: dict[str, list[int]], phonemes: str, language: str, styles: KittenVoices) -> list[Spec]:
    """Return the blocks from text to tokens, the number of characters, and the speaker.

    Models with a style for each length have more tokens at the end, and end every text with a mark.
    """
    if phonemes not in ("espeak", "text"):
        raise PackagingError("phonemes", f"{phonemes!r} is neither 'espeak' nor 'text'; choose one of them")
    written: Spec = {"type": "Rewrite", "name": "written", "squeeze": True}
    written = {**written, "ending": ",", "endings": ".!?,;:"} if styles.rows > 1 else written
    table: dict[str, Any] = {"symbols": symbols, "start": [0], "end": [10, 0] if styles.rows > 1 else [0]}
    if phonemes == "text":
        reading = character_blocks({**table, "source": "written"})
    else:
        espeak, characters = phoneme_blocks(language.lower(), {**table, "form": "NFC"}, pauses=False)
        reading = [{"type": "MarkedPhonemes", "block": espeak, "source": "written", "spaced": True}, characters]
    length = {"type": "Length", "of": "written", "name": "characters"}
    return [written, *reading, length, {"type": "Speakers", "names": styles.names, "rates": styles.rates}]


def _run_once(model: KokoroModel, styles: KittenVoices, symbols: dict[str, list[int]], file: str) -> KokoroRun:
    """Run the model on random tokens, for its golden vectors.

    :raises PackagingError: if it rejects them.
    """
    rng = np.random.default_rng(1)
    tokens = np.array([0, *rng.choice(sorted(ids[0] for ids in symbols.values()), 30), 10, 0])
    try:
        return model.run(tokens, styles.style(0, 30), 1.0, draw(model.noise, len(tokens), rng))
    except Exception as error:  # ONNX Runtime's own errors have no class in common
        features = styles.table.shape[2]
        problem = f"rejects its tokens, below {len(symbols)}, or styles of {features} values ({error})"
        raise PackagingError(file, f"{problem}; give the voices and tokens.txt of this model") from error


@dataclass(frozen=True)
class KittenReference(SentenceReference):
    """The graph of a KittenTTS voice, with the noise that the addon's blocks draw."""

    model: KokoroModel
    styles: KittenVoices
    omitted: int

    def speech(self, addon: Addon, utterance: voxstack.Utterance) -> np.ndarray:
        """Synthesize a sentence with the original graph: (samples,) float32."""
        style = self.styles.style(int(utterance["speaker_id"]), len(utterance["written"]))
        noise = {noise.name: utterance[noise.name] for noise in self.model.noise}
        samples = self.model.run(utterance["tokens"], style, utterance["rate"], noise).samples
        return samples[: max(0, len(samples) - self.omitted)]
