"""Voices of Kokoro: a graph from tokens, style and speed to audio, a table of styles, and a vocabulary.

Its decoder (the iSTFTNet of StyleTTS 2: Li et al., NeurIPS 2023, section 3.2) normalises every layer over all frames of
a sentence, so each sample depends on all others: a sentence is computed at once, and output in chunks on demand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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
from voxstack_importers.kokoro.model import KokoroModel, KokoroRun, draw
from voxstack_importers.kokoro.styles import Styles
from voxstack_importers.references import SentenceReference
from voxstack_packager import PackagingError, package

PREFIX = "whole/"
"""Put before the names of tensors of the graph as it was exported."""

SAMPLE_RATE = 24000
"""In Hz."""

MAX_CHARACTERS = 350
"""Characters of a sentence that has fewer phonemes than the model accepts, which are 510."""


def convert(
    path: Path,
    out: Path,
    progress: Progress,
    *,
    voices: str = "",
    vocab: str = "",
    phonemes: str = "espeak",
    **options: str,
) -> Path:
    """Make an addon of a Kokoro voice, and return its folder.

    :param path: the ``.onnx``.
    :param voices: the ``.npz`` (also called ``.bin``) with the styles of each speaker, (phonemes, 1, features).
    :param vocab: ``config.json`` with the ``vocab``; by default that in the metadata or beside the model.
    :param phonemes: ``espeak``, or ``text`` if texts are written in phonemes.
    :param options: the options of every importer.
    :raises PackagingError: if the graph is not such a model, saying what was looked for; or if the addon's speech
        differs from that of the original.
    """
    import onnx

    graph = Graph(onnx.load(path), path.name, PREFIX)
    styles = Styles.read(voices)
    symbols = _read_vocabulary(vocab, path, graph)
    language = options.get("language", "en-us")
    reading = _reading(symbols, phonemes, language)

    model = KokoroModel.find(graph)
    run = _run_once(model, styles, symbols)
    progress(f"{path.name}: {len(styles.speakers)} speakers, {run.hop_length} samples a frame")

    blocks = [*reading, {"type": "Speakers", "names": styles.speakers}, *model.noise_blocks]
    streamed = {"type": "WholeFrames", "tensor": "samples", "makes_stream": "samples"}
    stack = sentence_stack(language, [*blocks, {"type": "Encoders"}], streamed, longest=MAX_CHARACTERS)
    letters = "".join(symbol for symbol in symbols if symbol.isalpha())
    text = GOLDEN_TEXT if phonemes == "espeak" else letters[:20]

    return package(
        out,
        **addon_header(options, path.with_suffix(""), language, text),
        sample_rate=SAMPLE_RATE,
        hop_length=run.hop_length,
        networks=[styles.network(), model.cut(run)],
        stack=stack,
        controls={**rate(0.5, 2.0), **SEED, **speaker(styles.speakers)},
        description=f"Imported from the Kokoro model {path.name}",
        reference=KokoroReference(blocks, model, styles),
        progress=progress,
    )


def _read_vocabulary(vocab: str, path: Path, graph: Graph) -> dict[str, list[int]]:
    """Return the token of each phoneme."""
    file = Path(vocab) if vocab else path.with_name("config.json")
    if not vocab and "kokoro_config" in graph.metadata:
        content = graph.metadata["kokoro_config"]
    elif file.is_file():
        content = file.read_text(encoding="utf-8")
    else:
        raise PackagingError("vocab", f"there is no {file.name} with the vocabulary; give the config.json of the model")
    try:
        return {symbol: [int(token)] for symbol, token in json.loads(content)["vocab"].items()}
    except (KeyError, TypeError, ValueError) as error:
        problem = f"has no 'vocab', which defines what the tokens mean ({error!r}); give the config.json of the model"
        raise PackagingError(file.name, problem) from error


def _reading(symbols: Mapping[str, list[int]], phonemes: str, language: str) -> list[Spec]:
    """Return the blocks from text to tokens."""
    table = {"symbols": symbols, "start": [0], "end": [0]}
    if phonemes not in ("espeak", "text"):
        raise PackagingError("phonemes", f"{phonemes!r} is neither 'espeak' nor 'text'; choose one of them")
    return character_blocks(table) if phonemes == "text" else phoneme_blocks(language.lower(), table)


def _run_once(model: KokoroModel, styles: Styles, symbols: Mapping[str, list[int]]) -> KokoroRun:
    """Run the model on random tokens, for its golden vectors."""
    rng = np.random.default_rng(1)
    tokens = np.array([0, *rng.choice(sorted(ids[0] for ids in symbols.values()), 30), 0])
    return model.run(tokens, styles.style(0, len(tokens)), 1.0, draw(model.noise, len(tokens), rng))


@dataclass(frozen=True)
class KokoroReference(SentenceReference):
    """The graph of a Kokoro voice, with the noise that the addon's blocks draw."""

    model: KokoroModel
    styles: Styles

    def speech(self, addon: Addon, utterance: voxstack.Utterance) -> np.ndarray:
        """Synthesize a sentence with the original graph: (samples,) float32."""
        tokens = utterance["tokens"]
        style = self.styles.style(int(utterance["speaker_id"]), len(tokens))
        noise = {noise.name: utterance[noise.name] for noise in self.model.noise}
        return self.model.run(tokens, style, utterance["rate"], noise).samples
