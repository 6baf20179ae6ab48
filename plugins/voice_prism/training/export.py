"""The export of a trained vocoder as the addon ``prism``."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from features import HOP, MELS, SAMPLE_RATE
from speech_corpus import SpeechCorpus
from training_loop import load_weights
from vocoder import BINS, Vocoder

from voxstack_packager import NetworkSource, package

HOME = Path(__file__).resolve().parents[1]
ADDON = HOME / "src" / "voxstack_voice_prism" / "prism"
VERSION = "0.4.0"
DESCRIPTION = (
    "The vocoder that the voices share: 80 log-mel bands (0 to 8 kHz, hop 200, window 800), trained on two speakers."
)
VOCODER = "Log-mel frames to the spectrum of each frame: 401 real parts, then 401 imaginary ones, for InverseSTFT."


def export(work: Path, folder: Path = ADDON) -> Path:
    """Package the vocoder of the last stage that was trained, and return the folder of the addon.

    :param work: folder of the checkpoints and the speech.
    :raises FileNotFoundError: if no vocoder was trained.
    """
    stages = [work / "vocoder_adversarial.pt", work / "vocoder.pt"]
    checkpoint = next((path for path in stages if path.exists()), None)
    if checkpoint is None:
        raise FileNotFoundError(f"{work} has none of {[path.name for path in stages]}; train the vocoder first")
    model = Vocoder().eval()
    model.load_state_dict(load_weights(checkpoint, "model"))
    corpus = SpeechCorpus.load(work / "slt_validation.npz")
    mel = corpus.mel[corpus.span(0)].astype(np.float32)[None]
    vocoder = NetworkSource(
        name="vocoder",
        role="vocoder",
        module=model,
        inputs={"mel": ("float32", ["batch", "frames", MELS]), "mask": ("float32", ["batch", "frames"], True)},
        outputs={"spectra": ("float32", ["batch", "frames", 2 * BINS])},
        examples={"mel": mel},
        streaming="frames",
        stateful=True,
        description=VOCODER,
    )
    return package(
        folder,
        name="prism",
        version=VERSION,
        license="Apache-2.0",
        languages=[],
        sample_rate=SAMPLE_RATE,
        hop_length=HOP,
        networks=[vocoder],
        contexts={"default": {"runtime": "onnx", "device": "cpu", "threads": 1}},
        description=DESCRIPTION,
        files={"TEACHER_LICENSE": HOME / "TEACHER_LICENSE"},
        replace=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of the checkpoints and the speech")
    parser.add_argument("--to", type=Path, default=ADDON, help="folder of the addon")
    options = parser.parse_args()
    export(options.work, options.to)
