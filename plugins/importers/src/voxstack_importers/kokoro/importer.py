"""Voices of Kokoro: a graph from tokens, style and speed to audio, a table of styles, and a vocabulary.

Its decoder (the iSTFTNet of StyleTTS 2: Li et al., NeurIPS 2023, section 3.2) normalises every layer over all frames of
a sentence, so each sample depends on all others: a sentence is computed at once, and output in chunks on demand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import voxstack
from voxstack.networks.addon import Addon
from voxstack_importers.description import GOLDEN_TEXT, SEED, Spec, number, rate
from voxstack_importers.graphs import Graph
from voxstack_importers.importers import Progress, addon_header
from voxstack_importers.kokoro.model import TOKENS, KokoroModel, KokoroRun
from voxstack_importers.kokoro.noise import draw
from voxstack_importers.kokoro.reading import choose_reading, language_of, reader_blocks, token_block
from voxstack_importers.kokoro.styles import Styles
from voxstack_importers.kokoro.vocabulary import Vocabulary, check_vocabulary, read_vocabulary
from voxstack_importers.kokoro.voice_files import read_styles
from voxstack_importers.onnx_check import check_onnx_file
from voxstack_importers.recognition import outline
from voxstack_importers.references import SentenceReference
from voxstack_packager import PackagingError, package

PREFIX = "whole/"
"""Put before the names of tensors of the graph as it was exported."""

SAMPLE_RATE = 24000
"""In Hz."""

MAX_PHONEMES = 510
"""Phonemes that the model reads at once: it has 512 positions, two of them for the tokens at both ends."""

WHOLE: Mapping[str, Any] = {"type": "WholeFrames", "tensor": "samples", "makes_stream": "samples", "early": 1.6}
"""The block that gives the samples of a sentence out. Against a forced alignment, sounds are 41 ms early."""

TRIMMED: Mapping[str, Any] = {
    "type": "TrimSilence",
    "sample_rate": SAMPLE_RATE,
    "threshold_db": -60.0,  # the silence of the model is below -75 dB, its breaths and closures above
    "keep_ms": 30.0,
    "pause_ms": 250.0,
    "phrase_pause_ms": 100.0,
    "lookahead_ms": 600_000.0,  # the sentence has been computed
}
"""The model has a third of a second of silence before each sentence, and more behind it; other software trims it, too,
and joins sentences with a pause of this length."""

GOLDEN_TEXTS = {"ja": "今日はとても良い天気なので、友だちと公園を歩きました。"}
"""The golden speech in languages that do not read the English one."""


def recognizes(path: Path) -> bool:
    """Return whether a file looks like a Kokoro model; KittenTTS has the same inputs, and is looked for first."""
    return any(outline(path).inputs == {tokens, "style", "speed"} for tokens in TOKENS)


def convert(
    path: Path,
    out: Path,
    progress: Progress,
    *,
    voices: str = "",
    vocab: str = "",
    phonemes: str = "",
    **options: str,
) -> Path:
    """Make an addon of a Kokoro voice, and return its folder.

    :param path: the ``.onnx``.
    :param voices: file or folder with the styles of the speakers (:func:`read_styles` lists the formats).
    :param vocab: ``config.json`` with the ``vocab``; by default that in the metadata or beside the model, or the
        standard one.
    :param phonemes: ``espeak``, ``japanese``, or ``text`` if texts are written in phonemes; by default that of the
        language.
    :param options: the options of every importer.
    :raises PackagingError: if a file is missing, broken or of another kind, saying what it lacks; if the graph is not
        such a model, saying what was looked for; or if the addon's speech differs from that of the original.
    """
    check_onnx_file(path)
    styles = read_styles(voices, path)
    language = options.get("language") or language_of(styles.speakers)
    reading = choose_reading(phonemes, language)
    reader = reader_blocks(reading, language)
    progress(f"{path.name}: opening {path.stat().st_size / 1e6:.0f} MB; {len(styles.speakers)} speakers, {language}")
    model, symbols = _open(path, vocab, progress)
    model, run = _run_once(model, styles, symbols, progress)

    choosing = [token_block(symbols, reading), {"type": "SpeakerBlend", "names": styles.speakers}, *model.noise_blocks]
    return package(
        out,
        **addon_header(options, path.with_suffix(""), language, _golden_text(reading, language, symbols)),
        sample_rate=SAMPLE_RATE,
        hop_length=run.hop_length,
        networks=[styles.network(), model.cut(run)],
        stack=_stack(language, reader, [*choosing, {"type": "Encoders"}]),
        controls=_controls(styles.speakers, model),
        description=f"Imported from the Kokoro model {path.name}",
        reference=KokoroReference([*reader, *choosing], model, styles),
        progress=progress,
    )


def _open(path: Path, vocab: str, progress: Progress) -> tuple[KokoroModel, Vocabulary]:
    """Return the model in a graph, and the token of each phoneme."""
    import onnx

    graph = Graph(onnx.load(path), path.name, PREFIX)
    model = KokoroModel.find(graph)
    symbols = read_vocabulary(vocab, path, graph, progress)
    check_vocabulary(symbols, model.embedded, graph)
    return model, symbols


def _stack(language: str, reader: Sequence[Spec], blocks: Sequence[Spec]) -> list[Spec]:
    """Return the stack: sentences, parts of them that the model can read at once, and their samples, trimmed."""
    spec = _pipeline(blocks, {**TRIMMED, "block": WHOLE})
    if reader:
        spec = _pipeline(reader, {"type": "Phrases", "longest": MAX_PHONEMES, "block": spec})
    longest = {} if reader else {"longest": MAX_PHONEMES}
    return [{"type": "Sentences", "language": language, **longest, "block": spec}]


def _pipeline(blocks: Sequence[Spec], streamed: Spec) -> Spec:
    sequence = blocks[0] if len(blocks) == 1 else {"type": "SequenceBlockContainer", "blocks": [*blocks]}
    return {"type": "StreamablePipeline", "sequence_block": sequence, "streamable_block": streamed}


def _controls(speakers: Sequence[str], model: KokoroModel) -> dict[str, Any]:
    description = "Name of the speaker, or a blend of several with their weights, such as NAME:0.6+OTHER:0.4."
    speaker = {"type": "string", "default": speakers[0], "maxLength": 2000, "examples": [*speakers]}
    pause = {"pause": number(1.0, 0.0, 10.0, "Factor on the pause after each sentence, 0.25 s.")}
    seed = SEED if model.noise else {}
    return {**rate(0.5, 2.0), **pause, **seed, "speaker": {**speaker, "description": description}}


def _golden_text(reading: str, language: str, symbols: Vocabulary) -> str:
    if reading == "text":
        return "".join(symbol for symbol in symbols if symbol.isalpha())[:20]
    return GOLDEN_TEXTS.get(language.partition("-")[0].lower(), GOLDEN_TEXT)


def _run_once(
    model: KokoroModel, styles: Styles, symbols: Vocabulary, progress: Progress
) -> tuple[KokoroModel, KokoroRun]:
    """Run the model on random tokens, for its golden vectors, and return it without durations if it has none."""
    rng = np.random.default_rng(1)
    tokens = np.array([0, *rng.choice(sorted(ids[0] for ids in symbols.values()), 30), 0])
    style = styles.style(styles.only(0), len(tokens))
    run = model.run(tokens, style, 1.0, draw(model.noise, len(tokens), rng))
    if not run.samples.size or not np.isfinite(run.samples).all():
        raise PackagingError(model.graph.file, "gives no samples, or values that are not numbers; export it again")
    if run.has_exact_durations:
        progress(f"{model.graph.file}: words and phonemes have times; {run.hop_length} samples a frame")
        return model, run
    progress(f"{model.graph.file}: no durations of tokens were found in the graph, so words have no times")
    model = model.without_durations()
    return model, model.run(tokens, style, 1.0, run.noise)


@dataclass(frozen=True)
class KokoroReference(SentenceReference):
    """The graph of a Kokoro voice, with the noise that the addon's blocks draw, trimmed as the voice trims it."""

    model: KokoroModel
    styles: Styles

    def speech(self, addon: Addon, utterance: voxstack.Utterance) -> np.ndarray:
        """Synthesize a sentence with the original graph: (samples,) float32."""
        tokens = utterance["tokens"]
        style = self.styles.style(utterance["speaker_weights"], len(tokens))
        noise = {noise.name: utterance[noise.name] for noise in self.model.noise}
        samples = self.model.run(tokens, style, utterance["rate"], noise).samples
        given = {"pause": utterance["pause"], "samples": samples}
        trimmed = voxstack.build({**TRIMMED, "block": WHOLE}, addon, available=given)
        return np.concatenate([*trimmed.stream(iter(()), given)])
