"""Voices of Kokoro: a graph of tokens, style and speed to audio, a table of styles, and a vocabulary.

Its decoder (the iSTFTNet of StyleTTS 2: Li et al., NeurIPS 2023, section 3.2) normalises every layer over all frames of a sentence, so each
sample depends on all others: a sentence is made at once and given out as it is asked for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import voxstack
from voxstack.networks.addon import Addon
from voxstack_importers.controls import SEED, rate, who
from voxstack_importers.graphs import Graph, renamed
from voxstack_importers.kinds import Log, head
from voxstack_importers.kokoro_networks import WHOLE, Model, draw, styles
from voxstack_importers.reading import TEXT, addon_name, characters
from voxstack_importers.reading import phonemes as by_espeak
from voxstack_importers.stacks import SentenceReference, by_sentence
from voxstack_packager import PackagingError, package

SAMPLE_RATE, SAMPLES_A_FRAME = 24000, 600
LONGEST = 350
"""Characters of a sentence that have fewer phonemes than the model takes, which are 510."""


def convert(
    path: Path, out: Path, log: Log, *, voices: str = "", vocab: str = "", phonemes: str = "espeak", **told: str
) -> Path:
    """Make an addon of a Kokoro voice, and return its folder.

    :param path: the ``.onnx``.
    :param voices: the ``.npz`` (also called ``.bin``) with the styles of each speaker, (phonemes, 1, features).
    :param vocab: ``config.json`` with the ``vocab``; the one in the metadata or beside the model, unless given.
    :param phonemes: ``espeak``, or ``text`` where what is said is written in phonemes.
    :param told: the options that every importer knows.
    :raises PackagingError: if the graph is another one, saying what was looked for; or the voice does not say what the original says.
    """
    import onnx

    model = Model.of(Graph(renamed(onnx.load(path), WHOLE), path.name))
    names, table = _styles(voices)
    symbols = _vocabulary(vocab, path, model)
    rng = np.random.default_rng(1)
    tokens = np.array([0, *rng.choice(sorted(ids[0] for ids in symbols.values()), 30), 0])
    said = model.original(tokens, table[0, min(30, table.shape[1]) - 1], 1.0, draw(model.noise, len(tokens), rng))
    hop = SAMPLES_A_FRAME if said.durations is None else said.samples.size // int(said.durations.sum())
    log(f"{path.name}: {len(names)} speakers, {hop} samples a frame")
    language = told.get("language", "en-us")
    before = [*_reading(symbols, phonemes, language), {"type": "Speakers", "names": names}, *model.noise]
    letters = "".join(symbol for symbol in symbols if symbol.isalpha())
    return package(
        out,
        **head(told, addon_name(path.with_suffix("")), language, TEXT if phonemes == "espeak" else letters[:20]),
        sample_rate=SAMPLE_RATE,
        hop_length=hop,
        networks=[styles(table), model.source(said)],
        stack=_stack(before, language),
        controls={**rate(0.5, 2.0), **SEED, **who(names)},
        description=f"Imported from the Kokoro model {path.name}",
        reference=KokoroReference(before, model, table),
        progress=log,
    )


def _stack(before: list[dict[str, Any]], language: str) -> list[dict[str, Any]]:
    streamed = {"type": "WholeFrames", "tensor": "samples", "makes_stream": "samples"}
    return by_sentence(language, [*before, {"type": "Encoders"}], streamed, longest=LONGEST)


@dataclass(frozen=True)
class KokoroReference(SentenceReference):
    """The graph of a Kokoro voice, with the noise that the addon's blocks draw.

    :param styles: (speakers, phonemes, features).
    """

    model: Model
    styles: np.ndarray

    def speech(self, addon: Addon, utterance: voxstack.Utterance) -> np.ndarray:
        """Synthesize a sentence with the original graph: (samples,) float32."""
        tokens = utterance["tokens"]
        style = self.styles[int(utterance["speaker_id"]), min(max(len(tokens) - 2, 1), self.styles.shape[1]) - 1]
        noise = {block["name"]: utterance[block["name"]] for block in self.model.noise}
        return self.model.original(tokens, style, utterance["rate"], noise).samples


def _styles(path: str) -> tuple[list[str], np.ndarray]:
    """Names of speakers, and their styles, (speakers, phonemes, features)."""
    if not Path(path).is_file():
        raise PackagingError(
            "voices", f"there is no file {path!r}; give the .npz (or voices-*.bin) with the styles of the speakers"
        )
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: np.asarray(file[name], np.float32) for name in sorted(file.files)}
        return list(found), np.stack([one.reshape(len(one), -1) for one in found.values()])
    except (ValueError, OSError, AttributeError) as error:
        raise PackagingError(
            Path(path).name, f"holds no table of styles, (phonemes, 1, features) for each speaker ({error})"
        ) from error


def _vocabulary(vocab: str, path: Path, model: Model) -> dict[str, list[int]]:
    told = {one.key: one.value for one in model.graph.model.metadata_props}
    file = Path(vocab) if vocab else path.with_name("config.json")
    if not vocab and "kokoro_config" in told:
        content = told["kokoro_config"]
    elif file.is_file():
        content = file.read_text(encoding="utf-8")
    else:
        raise PackagingError("vocab", f"there is no {file.name} with the vocabulary; give the config.json of the model")
    try:
        return {symbol: [int(one)] for symbol, one in json.loads(content)["vocab"].items()}
    except (KeyError, TypeError, ValueError) as error:
        raise PackagingError(file.name, f"has no 'vocab', which says what the tokens mean ({error!r})") from error


def _reading(symbols: dict[str, list[int]], phonemes: str, language: str) -> list[dict[str, Any]]:
    table = {"symbols": symbols, "start": [0], "end": [0]}
    if phonemes not in ("espeak", "text"):
        raise PackagingError("phonemes", f"{phonemes!r} is neither 'espeak' nor 'text'")
    return characters(table) if phonemes == "text" else by_espeak(language.lower(), table)
