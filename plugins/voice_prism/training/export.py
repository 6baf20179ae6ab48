"""Make the addon ``prism`` of a trained vocoder."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from features import HOP, MELS, SAMPLE_RATE
from fitting import weights
from speech import Speech
from vocoder import BINS, Vocoder

from voxstack_packager import NetworkSource, package

HOME = Path(__file__).resolve().parents[1]
ADDON = HOME / "src" / "voxstack_voice_prism" / "prism"
VERSION = "0.4.0"


def export(work: Path, folder: Path = ADDON) -> Path:
    """Package the vocoder of the last stage that was trained.

    :param work: where the checkpoints and the speech are.
    """
    stages = [work / "vocoder_adversarial.pt", work / "vocoder.pt"]
    checkpoint = next((path for path in stages if path.exists()), None)
    if checkpoint is None:
        raise FileNotFoundError(f"{work} has none of {[path.name for path in stages]}; train the vocoder first")
    model = Vocoder().eval()
    model.load_state_dict(weights(checkpoint, "model"))
    speech = Speech.load(work / "slt_validation.npz")
    mel = speech.mel[speech.span(0)].astype(np.float32)[None]
    vocoder = NetworkSource(
        name="vocoder",
        role="vocoder",
        module=model,
        inputs={"mel": ("float32", ["batch", "frames", MELS]), "mask": ("float32", ["batch", "frames"], True)},
        outputs={"spectra": ("float32", ["batch", "frames", 2 * BINS])},
        examples={"mel": mel},
        streaming="frames",
        stateful=True,
        description="Log-mel frames to the spectrum of each frame: 401 real parts, then 401 imaginary ones, for InverseSTFT.",
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
        description="The vocoder that the voices share: 80 log-mel bands (0 to 8 kHz, hop 200, window 800), trained on two speakers.",
        files={"TEACHER_LICENSE": HOME / "TEACHER_LICENSE"},
        replace=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--to", type=Path, default=ADDON, help="folder of the addon")
    options = parser.parse_args()
    export(options.work, options.to)
