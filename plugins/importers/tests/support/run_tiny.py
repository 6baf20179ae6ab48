"""Synthesizes texts with tiny-tts: ``run_tiny.py FOLDER NOISE OUT``, a JSON list on stdin.

Each item is ``[text, speed]``. NOISE is an ``.npy`` with noise, (frames, channels), which the software draws instead of
its own; OUT gets an ``.npz`` with the samples of each text. Two parts of it that are downloaded are replaced: the
vocabulary of BERT by one of letters, which splits texts into the same words, and the pronunciation of words that are
not in the dictionary by none.
"""

from __future__ import annotations

import json
import string
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from unittest import mock

import numpy as np
from transformers import AutoTokenizer, BertTokenizer


def main(folder: str, noise: str, out: str) -> None:
    drawn = np.load(noise)
    folders = list(find_spec("tiny_tts").submodule_search_locations)
    package = sys.modules["tiny_tts"] = ModuleType("tiny_tts")  # its own imports what only its torch form needs
    package.__path__ = folders
    sys.modules["g2p_en"] = ModuleType("g2p_en")
    sys.modules["g2p_en"].G2p = lambda: lambda word: [word] if word in "'.,?!-" else []  # it drops other marks
    with tempfile.TemporaryDirectory() as scratch:
        letters = [*string.ascii_lowercase, *string.digits]
        vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
        Path(scratch, "vocab.txt").write_text("\n".join([*vocabulary, *"!?,.'-;:"]))
        tokenizer = BertTokenizer(str(Path(scratch, "vocab.txt")))
        with mock.patch.object(AutoTokenizer, "from_pretrained", return_value=tokenizer):
            from tiny_tts.infer_onnx import OnnxTinyTTS
        voice, arrays = OnnxTinyTTS(folder), {}
        for index, (text, speed) in enumerate(json.load(sys.stdin)):
            with mock.patch.object(np.random, "randn", lambda _, channels, frames: drawn[:frames, :channels].T[None]):
                arrays[str(index)] = voice.speak(text, str(Path(scratch, "out.wav")), length_scale=1 / speed)
    np.savez(out, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
