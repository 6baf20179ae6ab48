"""Voices of Matcha-TTS for sherpa-onnx: an acoustic model with ``tokens.txt`` beside it, and a vocoder.

The acoustic model (Mehta et al., Matcha-TTS: a fast TTS architecture with conditional flow matching, ICASSP 2024)
attends to all frames in every step of its flow, so it computes a whole sentence at once; the vocoder after it streams.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import voxstack
from voxstack.networks.addon import Addon
from voxstack_importers.description import (
    GENERATOR_SCHEDULE,
    GOLDEN_TEXT,
    SEED,
    Spec,
    character_blocks,
    noise_scale,
    phoneme_blocks,
    rate,
    sentence_stack,
    speaker,
)
from voxstack_importers.graphs import Graph
from voxstack_importers.importers import Progress, addon_header
from voxstack_importers.lexicons import FILE, LexiconFile
from voxstack_importers.matcha.acoustic import LENGTHS, SPEAKERS, AcousticModel, AcousticRun
from voxstack_importers.matcha.vocoder import Vocoder
from voxstack_importers.recognition import outline
from voxstack_importers.references import SentenceReference
from voxstack_importers.token_table import read_token_table
from voxstack_packager import PackagingError, masked_if_exact, package

PREFIX = "whole/"
"""Put before the names of tensors of the graphs as they were exported."""

NOISE_SCALE = 0.667
"""Scale of the noise unless a request sets another."""


def recognizes(path: Path) -> bool:
    """Return whether a file looks like an acoustic model of Matcha-TTS."""
    found = outline(path)
    names = found.inputs - {*LENGTHS, *SPEAKERS}
    return bool(found.inputs & {*LENGTHS}) and names in ({"x", "noise_scale", "length_scale"}, {"x", "scales"})


def convert(
    path: Path, out: Path, progress: Progress, *, vocoder: str = "", tokens: str = "", lexicon: str = "", **options: str
) -> Path:
    """Make an addon of a Matcha-TTS voice, and return its folder.

    :param path: the ``.onnx`` of the acoustic model.
    :param vocoder: that of the vocoder: HiFi-GAN (mel to audio) or vocos (mel to mag, x, y).
    :param tokens: the table of tokens; by default ``tokens.txt`` beside the acoustic model.
    :param lexicon: the dictionary of a model that reads words by one; by default ``lexicon.txt`` beside it.
    :param options: the options of every importer.
    :raises PackagingError: if a graph is not such a model, saying what was looked for; or if the addon's speech differs
        from that of the original.
    """
    graph, vocoder_graph = _load_graphs(path, Path(vocoder))
    symbols = read_token_table(Path(tokens) if tokens else path.with_name("tokens.txt"))
    voice = graph.metadata.get("voice", "en-us")
    dictionary = _find_dictionary(graph, Path(lexicon) if lexicon else path.with_name(FILE), symbols)
    reading = _reading(graph, symbols, voice, dictionary)

    acoustic = AcousticModel.find(graph)
    run = _run_once(acoustic, symbols)
    wave = Vocoder.find(vocoder_graph, run.mel)
    progress(f"{path.name}: {run.mel.shape[1]} features, {wave.hop_length} samples a frame")

    names = [str(number) for number in range(acoustic.speakers)] if acoustic.speakers > 1 else []
    blocks = [*reading, *([{"type": "Speakers", "names": names}] if names else []), acoustic.noise_block]
    language = options.get("language", "zh" if dictionary else voice)
    plain = GOLDEN_TEXT if graph.metadata.get("has_espeak") == "1" else GOLDEN_TEXT.lower()
    text = dictionary.text if dictionary else plain

    return package(
        out,
        **addon_header(options, path.resolve().parent, language, text),
        sample_rate=int(graph.metadata["sample_rate"]),
        hop_length=wave.hop_length,
        networks=[acoustic.cut(run), masked_if_exact(wave.cut(run.mel), progress)],
        stack=sentence_stack(language, [*blocks, {"type": "Encoders"}], _streamed_blocks(wave)),
        controls={**rate(), **noise_scale(NOISE_SCALE), **SEED, **(speaker(names) if names else {})},
        files={FILE: dictionary.path} if dictionary else None,
        schedule=None if wave.inverse else GENERATOR_SCHEDULE,
        description=f"Imported from the Matcha-TTS voice {path.name} with {Path(vocoder).name}",
        reference=MatchaReference(blocks, acoustic, wave),
        progress=progress,
    )


def _load_graphs(path: Path, vocoder: Path) -> tuple[Graph, Graph]:
    import onnx

    if not vocoder.is_file():
        name = str(vocoder) if vocoder.name else ""
        problem = f"there is no file {name!r}; give the .onnx of a HiFi-GAN or a vocos for these mels"
        raise PackagingError("vocoder", problem)
    return Graph(onnx.load(path), path.name, PREFIX), Graph(onnx.load(vocoder), vocoder.name, PREFIX)


def _streamed_blocks(wave: Vocoder) -> list[Spec]:
    """Return the blocks from the mel-spectrogram of a sentence to samples."""
    blocks: list[Spec] = [{"type": "WholeFrames", "tensor": "mel", "makes_stream": "mel"}]
    return [*blocks, {"type": "Decoder", "network": "vocoder"}, *([wave.inverse] if wave.inverse else [])]


def _reading(graph: Graph, symbols: Mapping[str, int], voice: str, lexicon: LexiconFile | None) -> list[Spec]:
    """Return the blocks from text to tokens, with blanks between all of them.

    There are tokens of the beginning and the end if the model was trained with them.
    """
    metadata = graph.metadata
    blank = [int(metadata.get("pad_id", 0))]
    if lexicon:
        return [lexicon.block(blank=blank)]
    table: dict[str, Any] = {"symbols": {symbol: [token] for symbol, token in symbols.items()}, "blank": blank}
    if metadata.get("use_eos_bos") == "1":
        missing = [symbol for symbol in "^$" if symbol not in symbols]
        if missing:
            raise PackagingError("tokens", f"lacks {missing}, and the model was trained with them at both ends")
        table |= {"start": [*blank, symbols["^"]], "end": [symbols["$"], *blank]}
    return phoneme_blocks(voice, table) if metadata.get("has_espeak") == "1" else character_blocks(table)


def _find_dictionary(graph: Graph, path: Path, symbols: Mapping[str, int]) -> LexiconFile | None:
    """Return the dictionary of a model that reads words by one.

    :raises PackagingError: if it does not exist, or if the model also reads words by phonemes of espeak.
    """
    if graph.metadata.get("voice") == "zh en-us":
        problem = "reads Chinese by a dictionary and English by phonemes of espeak that are written in another way"
        raise graph.refusal(f"{problem}, which no block does; import a model that reads by one of them")
    return LexiconFile.read(path, symbols, tones=False) if graph.metadata.get("jieba") == "1" else None


def _run_once(acoustic: AcousticModel, symbols: Mapping[str, int]) -> AcousticRun:
    """Run the acoustic model on random tokens, for the golden vectors of each network."""
    rng = np.random.default_rng(1)
    tokens = rng.choice(sorted(set(symbols.values())), 40)
    noise = rng.standard_normal((len(tokens), acoustic.noise_features), np.float32)
    return acoustic.run(tokens, noise, NOISE_SCALE, 1.0, acoustic.speakers - 1)


@dataclass(frozen=True)
class MatchaReference(SentenceReference):
    """The graphs of a Matcha-TTS voice, with the noise that the addon's blocks draw."""

    acoustic: AcousticModel
    vocoder: Vocoder

    def speech(self, addon: Addon, utterance: voxstack.Utterance) -> np.ndarray:
        """Synthesize a sentence with the original graphs: (samples,) float32."""
        tokens, noise, scale, speed = (utterance[name] for name in ("tokens", "noise", "noise_scale", "rate"))
        run = self.acoustic.run(tokens, noise, scale, speed, int(utterance.get("speaker_id", 0)))
        result = self.vocoder.run(run.mel)
        if self.vocoder.inverse is None:
            return result.reshape(-1)
        return np.concatenate(list(voxstack.build(self.vocoder.inverse, addon).stream(iter([result]), {})))
