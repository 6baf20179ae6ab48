"""Voices of tiny-tts: four graphs in a folder, and the dictionary of its package.

tiny-tts is MeloTTS with fewer channels. Its flow attends to all frames of a sentence, so text and flow are computed at
once, and the HiFi-GAN streams.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import voxstack
from voxstack.networks.addon import Addon
from voxstack_importers.description import GENERATOR_SCHEDULE, SEED, Spec, noise_scale, rate, sentence_stack
from voxstack_importers.importers import Progress, addon_header
from voxstack_importers.lexicons import FILE, LexiconFile
from voxstack_importers.references import SentenceReference
from voxstack_importers.tiny.dictionary import convert_dictionary, find_dictionary
from voxstack_importers.tiny.networks import TinyNetworks
from voxstack_importers.tiny.original import GRAPHS, TinyOriginal, TinyRun
from voxstack_importers.tiny.symbols import BLANK, SYMBOLS, TONE
from voxstack_importers.vits.blocks import latent_blocks, whole_blocks, whole_noise
from voxstack_packager import PackagingError, package

SAMPLE_RATE, NOISE_SCALE = 44100, 0.667
"""In Hz; and the scale of the noise unless a request sets another."""


def recognizes(path: Path) -> bool:
    """Return whether a folder looks like a tiny-tts voice."""
    return all((path / f"{name}.onnx").is_file() for name in GRAPHS)


def convert(path: Path, out: Path, progress: Progress, *, lexicon: str = "", **options: str) -> Path:
    """Make an addon of a tiny-tts voice, and return its folder.

    :param path: the folder with the four graphs.
    :param lexicon: ``cmudict.rep`` of tiny-tts; by default that beside the graphs, or in the installed package.
    :param options: the options of every importer.
    :raises PackagingError: if the files are not those of such a voice, saying what is missing; or if the addon's speech
        differs from that of the original.
    """
    original = TinyOriginal(path)
    with tempfile.TemporaryDirectory() as scratch:
        file = convert_dictionary(find_dictionary(path, lexicon), Path(scratch, FILE))
        dictionary = LexiconFile.read(file, SYMBOLS, tones=True)
        run = _run_once(original, dictionary.tone_numbers)
        channels, hop_length = run.latents.shape[1], run.samples.size // len(run.latents)
        progress(f"{path.name}: {channels} channels, {hop_length} samples a frame")
        reading, noise = [_reading(dictionary)], whole_noise(channels)
        encoders: Spec = {"type": "Encoders", "networks": ["text", "durations"]}
        _, *others = whole_blocks(channels)
        return package(
            out,
            **addon_header(options, path.resolve(), "en-US", dictionary.text),
            sample_rate=SAMPLE_RATE,
            hop_length=hop_length,
            networks=TinyNetworks(original, run).all(),
            stack=sentence_stack("en", [*reading, encoders, *others], latent_blocks("decoder")),
            controls={**rate(), **noise_scale(NOISE_SCALE), **SEED},
            schedule=GENERATOR_SCHEDULE,
            files={FILE: dictionary.path},
            description=f"Imported from the tiny-tts voice {path.name}",
            reference=TinyReference(reading, noise, original),
            progress=progress,
        )


def _reading(dictionary: LexiconFile) -> Spec:
    """Return the block that reads text: marks at both ends and between all others, which have tones of their own."""
    ends: dict[str, Any] = {"start": [BLANK, BLANK], "start_tones": [0, TONE], "mark_tone": TONE}
    ends |= {"end": [BLANK, BLANK], "end_tones": [TONE, 0]}
    return dictionary.block(blank=[BLANK], apostrophes=False, numbers="en-US", **ends)


def _run_once(original: TinyOriginal, tones: list[int]) -> TinyRun:
    """Run the original on random tokens, for the golden vectors of each network.

    :raises PackagingError: if its graphs do not fit.
    """
    rng = np.random.default_rng(1)
    tokens = rng.choice(sorted({BLANK, *SYMBOLS.values()}), 41)

    def noise(frames: int, channels: int) -> np.ndarray:
        return rng.standard_normal((frames, channels), np.float32)

    try:
        return original.run(tokens, rng.choice(tones, len(tokens)), 1.0, noise, NOISE_SCALE)
    except Exception as error:  # ONNX Runtime's own errors have no class in common
        problem = f"do not fit, or have fewer tokens than {tokens.max() + 1} ({error}); give those of one voice"
        raise PackagingError("the graphs", problem) from error


@dataclass(frozen=True)
class TinyReference(SentenceReference):
    """The graphs of a tiny-tts voice, with the noise that the addon's block draws."""

    noise: Spec
    original: TinyOriginal

    def speech(self, addon: Addon, utterance: voxstack.Utterance) -> np.ndarray:
        """Synthesize a sentence with the original graphs: (samples,) float32."""
        block: voxstack.SequenceBlock = voxstack.build(self.noise)

        def noise(frames: int, channels: int) -> np.ndarray:
            return np.asarray(block({**utterance, "prior": np.zeros((frames, 1))})["noise"])

        tokens, tones, speed = (utterance[name] for name in ("tokens", "tones", "rate"))
        return self.original.run(tokens, tones, speed, noise, utterance["noise_scale"]).samples
