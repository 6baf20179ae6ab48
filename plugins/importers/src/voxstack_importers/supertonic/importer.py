"""Voices of Supertonic: four graphs, a configuration, an index of characters, and styles.

A flow (Kim et al., SupertonicTTS: towards highly efficient and streamlined text-to-speech system, arXiv:2503.23108)
computes the latents of a whole sentence, as many as a predictor of the duration says, in a few steps, each of which
attends to all of the text; the vocoder after it streams.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import voxstack
from voxstack.networks.addon import Addon
from voxstack_importers.description import SEED, Spec, number, readable_text, sentence_stack, speaker
from voxstack_importers.importers import Progress, addon_header
from voxstack_importers.references import SentenceReference
from voxstack_importers.supertonic.files import GRAPHS, SupertonicFiles
from voxstack_importers.supertonic.networks import SupertonicNetworks
from voxstack_importers.supertonic.original import SupertonicOriginal, SupertonicRun
from voxstack_importers.supertonic.reading import reading_blocks
from voxstack_packager import PackagingError, package

RATE, STEPS, MOST_STEPS = 1.05, 8, 100
"""Speed and number of steps unless a request sets others, and the most steps that it may set, as in the original."""

MAX_CHARACTERS = 300
"""Characters of a sentence."""


def recognizes(path: Path) -> bool:
    """Return whether a folder looks like a Supertonic voice."""
    onnx = path / "onnx" if (path / "onnx").is_dir() else path
    return all((onnx / name).is_file() for name in ("tts.json", *(f"{graph}.onnx" for graph in GRAPHS)))


def convert(path: Path, out: Path, progress: Progress, *, styles: str = "", **options: str) -> Path:
    """Make an addon of a Supertonic voice, and return its folder.

    :param path: the folder with ``onnx`` and ``voice_styles``.
    :param styles: the folder of the styles; by default ``voice_styles``.
    :param options: the options of every importer. ``language`` also selects the tag of the texts of a multilingual
        voice; without it they have that of an unknown language.
    :raises PackagingError: if the files are not those of such a voice, saying what is missing; or if the addon's speech
        differs from that of the original.
    """
    files = SupertonicFiles.read(path, styles)
    original = SupertonicOriginal(files)
    tag = options["language"].split("-")[0].lower() if "language" in options else "na"
    language = options.get("language", "mul" if files.multilingual else "en")
    names = files.styles[0]

    run = _run_once(original)
    progress(f"{path.name}: {len(names)} styles, {files.features} features, {files.hop_length} samples a latent")
    reading = reading_blocks(files.symbols, tag if files.multilingual else None)
    noise: Spec = {"type": "Noise", "name": "noisy_latent", "like": "latent_count", "features": files.features}
    blocks = [*reading, {"type": "Speakers", "names": names}]
    flow = {"network": "flow", "state": "noisy_latent", "output": "latents", "steps": STEPS, "most": MOST_STEPS}
    counted = {"step": "current_step", "total": "total_step"}
    computed = [{"type": "Encoders"}, noise, {"type": "Iterate", **flow, **counted}]
    streamed = [
        {"type": "WholeFrames", "tensor": "latents", "makes_stream": "latents"},
        {"type": "Decoder", "network": "vocoder"},
    ]
    rules = "en" if language == "mul" else language

    return package(
        out,
        **addon_header(options, path.resolve(), language, readable_text(files.symbols)),
        sample_rate=files.sample_rate,
        hop_length=files.hop_length,
        networks=SupertonicNetworks(original, run).all(),
        stack=sentence_stack(rules, [*blocks, *computed], streamed, longest=MAX_CHARACTERS),
        controls={**_controls(), **SEED, **speaker(names)},
        schedule={"first": 4, "largest": 32},
        description=f"Imported from the Supertonic voice {path.name}",
        reference=SupertonicReference(blocks, noise, original),
        progress=progress,
    )


def _controls() -> dict[str, dict[str, object]]:
    description = "Steps of the flow: more are better, and take longer."
    steps = {"type": "integer", "default": STEPS, "minimum": 1, "maximum": MOST_STEPS, "description": description}
    return {"rate": number(RATE, 0.7, 2.0, "Speed, as a factor."), "steps": steps}


def _run_once(original: SupertonicOriginal) -> SupertonicRun:
    """Run the original on random tokens, for the golden vectors of each network.

    :raises PackagingError: if its graphs and its other files do not fit.
    """
    rng = np.random.default_rng(1)
    tokens = rng.choice(sorted({ids[0] for ids in original.files.symbols.values()}), 40)
    _, texts, durations = original.files.styles

    def noise(frames: int) -> np.ndarray:
        return rng.standard_normal((frames, original.files.features), np.float32)

    try:
        return original.run(tokens, (texts[-1], durations[-1]), 1.0, noise, 2)
    except Exception as error:  # ONNX Runtime's own errors have no class in common
        shapes = f"styles of {texts.shape[1:]} and {durations.shape[1:]}, {original.files.features} features"
        problem = f"does not fit the configuration and the styles: {shapes}, tokens up to {tokens.max()} ({error})"
        raise PackagingError("onnx", f"{problem}; give the files of one voice") from error


@dataclass(frozen=True)
class SupertonicReference(SentenceReference):
    """The graphs of a Supertonic voice, with the noise that the addon's block draws."""

    noise: Spec
    original: SupertonicOriginal

    def speech(self, addon: Addon, utterance: voxstack.Utterance) -> np.ndarray:
        """Synthesize a sentence with the original graphs: (samples,) float32."""
        speaker_id = int(utterance["speaker_id"])
        styles = tuple(table[speaker_id] for table in self.original.files.styles[1:])
        block: voxstack.SequenceBlock = voxstack.build(self.noise)

        def noise(frames: int) -> np.ndarray:
            return np.asarray(block({**utterance, "latent_count": np.array(frames)})["noisy_latent"])

        tokens, speed = utterance["tokens"], utterance["rate"]
        return self.original.run(tokens, (styles[0], styles[1]), speed, noise, utterance["steps"]).samples.reshape(-1)
