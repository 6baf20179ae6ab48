"""Synthesizes texts with software for KittenTTS: ``run_kitten.py PACKAGE MODEL VOICES OUT``, a JSON list on stdin.

``PACKAGE`` is ``kittentts`` 0.1.3 or ``kittenml``. Each item is ``[text, voice, speed]``; OUT gets an ``.npz`` with the
samples of each.
"""

from __future__ import annotations

import json
import os
import sys

import numpy as np

if __name__ == "__main__":
    package, model, voices, out = sys.argv[1:]
    arrays = {}
    if package == "kittentts":  # it expects espeak-ng in the system
        import espeakng_loader
        from phonemizer.backend.espeak.wrapper import EspeakWrapper

        EspeakWrapper.set_library(espeakng_loader.get_library_path())
        os.environ["ESPEAK_DATA_PATH"] = espeakng_loader.get_data_path()
        from kittentts import KittenTTS

        voice = KittenTTS(model, voices)
    else:
        from kittenml.kittentts_legacy.onnx_model import KittenTTS_1_Onnx

        voice = KittenTTS_1_Onnx(model, voices, {"expr-voice-2-f": 0.8}, {"Bella": "expr-voice-2-f"})
    for index, (text, speaker, speed) in enumerate(json.load(sys.stdin)):
        more = {} if package == "kittentts" else {"clean_text": False}
        arrays[str(index)] = voice.generate(text, voice=speaker, speed=speed, **more).reshape(-1)
    np.savez(out, **arrays)
