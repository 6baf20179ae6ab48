"""Synthesizes texts with supertonic: ``run_supertonic.py FOLDER NOISE OUT``, a JSON list on stdin.

Each item is ``[text, style, steps, speed, language]``. NOISE is an ``.npy`` with noise, (frames, features), which the
software draws instead of its own; OUT gets an ``.npz`` with the samples of each text.
"""

from __future__ import annotations

import json
import sys
from unittest import mock

import numpy as np
from supertonic import TTS

if __name__ == "__main__":
    folder, noise, out = sys.argv[1:]
    drawn = np.load(noise)
    arrays = {}
    for index, (text, style, steps, speed, language) in enumerate(json.load(sys.stdin)):
        voice = TTS("supertonic" if language is None else "supertonic-3", folder, auto_download=False)
        chosen = voice.get_voice_style(style)
        with mock.patch.object(np.random, "randn", lambda _, features, frames: drawn[:frames, :features].T[None]):
            arrays[str(index)] = voice.synthesize(text, chosen, steps, speed, lang=language)[0].reshape(-1)
    np.savez(out, **arrays)
