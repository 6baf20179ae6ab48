"""Synthesizes texts with sherpa-onnx and without noise: ``run_sherpa.py KIND FOLDER OUT``, a JSON list on stdin.

``KIND`` is ``vits`` or ``matcha``; ``FOLDER`` has ``model.onnx``, ``lexicon.txt`` and ``tokens.txt``, and for
``matcha`` ``vocoder.onnx``. Each item is ``[text, speaker, speed]``; OUT gets an ``.npz`` with the samples of each.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import sherpa_onnx

if __name__ == "__main__":
    kind, folder, out = sys.argv[1:]
    files = {"lexicon": f"{folder}/lexicon.txt", "tokens": f"{folder}/tokens.txt", "noise_scale": 0.0}
    if kind == "vits":
        model = {"model": f"{folder}/model.onnx", "noise_scale_w": 0.0, **files}
        models = {"vits": sherpa_onnx.OfflineTtsVitsModelConfig(**model)}
    else:
        model = {"acoustic_model": f"{folder}/model.onnx", "vocoder": f"{folder}/vocoder.onnx", **files}
        models = {"matcha": sherpa_onnx.OfflineTtsMatchaModelConfig(**model)}
    settings = sherpa_onnx.OfflineTtsModelConfig(**models, num_threads=1)
    voice = sherpa_onnx.OfflineTts(sherpa_onnx.OfflineTtsConfig(model=settings, max_num_sentences=-1))
    arrays = {
        str(index): np.array(voice.generate(text, sid=speaker, speed=speed).samples, np.float32)
        for index, (text, speaker, speed) in enumerate(json.load(sys.stdin))
    }
    np.savez(out, **arrays)
