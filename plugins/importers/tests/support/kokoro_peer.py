"""Runs kokoro-onnx in a process of its own: ``kokoro_peer.py MODEL VOICES < requests.json > samples.npz``.

A request is ``{"phonemes" or "text", "voice", "speed", "lang"}``; what is written are the samples of each before they
are trimmed, and the phonemes that it synthesized.
"""

from __future__ import annotations

import io
import json
import sys

import numpy as np
import onnxruntime
from kokoro_onnx import Kokoro

if __name__ == "__main__":
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
    kokoro = Kokoro.from_session(session, sys.argv[2])
    arrays = {}
    for number, request in enumerate(json.load(sys.stdin)):
        phonemes = request.get("phonemes")
        if phonemes is None:
            phonemes = kokoro.tokenizer.phonemize(request["text"], request["lang"])
        arrays[f"phonemes_{number}"] = np.array(phonemes)
        if request.get("voice"):
            samples, _ = kokoro.create(
                phonemes, request["voice"], request["speed"], is_phonemes=True, trim=False, sentence_pause=0
            )
            arrays[f"samples_{number}"] = samples
    file = io.BytesIO()
    np.savez(file, **arrays)
    sys.stdout.buffer.write(file.getvalue())
