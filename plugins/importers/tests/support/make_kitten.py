"""Writes ``tests/data/kitten.onnx.xz``: a model in the form of KittenTTS with random weights and fewer channels.

KittenTTS is, as Kokoro is, a StyleTTS 2 with an iSTFTNet; its training code is not public, so the model is built with
that of Kokoro, with the inputs, the outputs and the 178 tokens of the published ``kitten_tts_nano_v0_8.onnx``. Run it
as :mod:`make_kokoro`.
"""

from __future__ import annotations

import io
import lzma
import tempfile
from pathlib import Path

import torch
from make_kokoro import CONFIG, DATA, KModel, KModelForONNX

if __name__ == "__main__":
    torch.manual_seed(6)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder, "none.pth")
        torch.save({}, weights)  # so that the random weights stay
        config = {**CONFIG, "n_token": 178}
        model = KModelForONNX(KModel("hexgrad/Kokoro-82M", config, str(weights), disable_complex=True)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_((weight * 32).round() / 32)  # few values, which compress well
    file = io.BytesIO()
    inputs = torch.randint(0, 178, (1, 20)), torch.randn(1, 256), torch.tensor([1.0])
    with torch.no_grad():
        torch.onnx.export(
            model,
            inputs,
            file,
            opset_version=17,
            input_names=["input_ids", "style", "speed"],
            output_names=["waveform", "duration"],
            dynamic_axes={
                "input_ids": {1: "sequence_length"},
                "waveform": {0: "num_samples"},
                "duration": {0: "tokens"},
            },
            dynamo=False,
        )
    path = DATA / "kitten.onnx.xz"
    path.write_bytes(lzma.compress(file.getvalue(), preset=9))
    print(path, path.stat().st_size)
