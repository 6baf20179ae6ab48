"""Voices of Matcha-TTS as sherpa-onnx takes them: an acoustic model with ``tokens.txt`` beside it, and a vocoder.

The acoustic model (Mehta et al., Matcha-TTS: a fast TTS architecture with conditional flow matching, ICASSP 2024) attends to all frames in
every step of its flow, so it makes a whole sentence at once; the vocoder streams behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import voxstack
from voxstack.networks.addon import Addon
from voxstack_importers.controls import SEED, noise_scale, rate
from voxstack_importers.graphs import Graph, renamed
from voxstack_importers.kinds import Log, head
from voxstack_importers.matcha_networks import WHOLE, Acoustic, Vocoder
from voxstack_importers.reading import TEXT, addon_name, characters, phonemes
from voxstack_importers.stacks import SentenceReference, by_sentence
from voxstack_packager import PackagingError, package


def convert(path: Path, out: Path, log: Log, *, vocoder: str = "", tokens: str = "", **told: str) -> Path:
    """Make an addon of a Matcha-TTS voice, and return its folder.

    :param path: the ``.onnx`` of the acoustic model.
    :param vocoder: that of the vocoder: HiFi-GAN (mel to audio) or vocos (mel to mag, x, y).
    :param tokens: the table of tokens; ``tokens.txt`` beside the acoustic model, unless given.
    :param told: the options that every importer knows.
    :raises PackagingError: if a graph is another one, saying what was looked for; or the voice does not say what the original says.
    """
    import onnx

    if not Path(vocoder).is_file():
        raise PackagingError(
            "vocoder", f"there is no file {vocoder!r}; give the .onnx of a HiFi-GAN or a vocos that knows these mels"
        )
    acoustic = Acoustic.of(Graph(renamed(onnx.load(path), WHOLE), path.name))
    symbols = _symbols(Path(tokens) if tokens else path.with_name("tokens.txt"))
    rng = np.random.default_rng(1)
    said = acoustic.original(
        rng.choice(sorted({ids[0] for ids in symbols.values()}), 40), rng.standard_normal, 0.667, 1.0
    )
    wave = Vocoder.of(Graph(renamed(onnx.load(vocoder), WHOLE), Path(vocoder).name), said.mel)
    log(f"{path.name}: {said.mel.shape[1]} features, {wave.hop} samples a frame")
    voice = acoustic.told.get("voice", "en-us")
    before = [*_reading(acoustic, symbols, voice), acoustic.noise]
    text = TEXT if acoustic.told.get("has_espeak") == "1" else TEXT.lower()
    return package(
        out,
        **head(told, addon_name(path.resolve().parent), voice, text),
        sample_rate=int(acoustic.told["sample_rate"]),
        hop_length=wave.hop,
        networks=[acoustic.source(said), wave.source(said.mel)],
        stack=_stack(before, wave, told.get("language", voice)),
        controls={**rate(), **noise_scale(0.667), **SEED},
        description=f"Imported from the Matcha-TTS voice {path.name} with {Path(vocoder).name}",
        reference=MatchaReference(before, acoustic, wave),
        progress=log,
    )


def _stack(before: list[dict[str, Any]], wave: Vocoder, language: str) -> list[dict[str, Any]]:
    whole = {"type": "WholeFrames", "tensor": "mel", "makes_stream": "mel"}
    behind = [whole, {"type": "Decoder", "network": "vocoder"}, *([wave.block] if wave.block else [])]
    return by_sentence(language, [*before, {"type": "Encoders"}], behind)


@dataclass(frozen=True)
class MatchaReference(SentenceReference):
    """The graphs of a Matcha-TTS voice, with the noise that the addon's blocks draw."""

    acoustic: Acoustic
    vocoder: Vocoder

    def speech(self, addon: Addon, utterance: voxstack.Utterance) -> np.ndarray:
        """Synthesize a sentence with the original graphs: (samples,) float32."""
        mel = self.acoustic.original(
            utterance["tokens"], lambda shape, dtype: utterance["noise"], utterance["noise_scale"], utterance["rate"]
        ).mel
        whole = self.vocoder.original(mel)
        if not self.vocoder.block:
            return whole.reshape(-1)
        return np.concatenate(list(voxstack.build(self.vocoder.block, addon).stream(iter([whole]), {})))


def _symbols(path: Path) -> dict[str, list[int]]:
    """Read a table of tokens: a symbol, blanks and its number in each line; the symbol may be a blank itself."""
    if not path.is_file():
        raise PackagingError(
            path.name, "is not there; it says what the tokens mean: give it with 'tokens', or put it beside the model"
        )
    symbols: dict[str, list[int]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        symbol, _, token = line.rstrip().rpartition(" ")
        if not token.isdigit():
            raise PackagingError(f"{path.name}, line {number}", f"{line!r} is no symbol with its number behind it")
        symbols[symbol.strip() or " "] = [int(token)]
    return symbols


def _reading(acoustic: Acoustic, symbols: dict[str, list[int]], voice: str) -> list[dict[str, Any]]:
    """The blocks that turn text to tokens, with blanks between all and, where the model was trained with them, both ends."""
    told = acoustic.told
    blank = [int(told.get("pad_id", 0))]
    ends: dict[str, Any] = {"blank": blank}
    if told.get("use_eos_bos") == "1":
        missing = [symbol for symbol in "^$" if symbol not in symbols]
        if missing:
            raise PackagingError("tokens", f"lacks {missing}, and the model was trained with them at both ends")
        ends |= {"start": [*blank, *symbols["^"]], "end": [*symbols["$"], *blank]}
    table = {"symbols": symbols, **ends}
    if told.get("has_espeak") == "1":
        return phonemes(voice, table)
    if told.get("jieba") == "1":
        raise PackagingError(
            acoustic.graph.where, "was trained with a lexicon of Chinese words (jieba), which no block here reads"
        )
    return characters(table)
