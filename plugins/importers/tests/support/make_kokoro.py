"""Writes ``tests/data/kokoro.onnx.xz``: a model of Kokoro's own code with random weights and fewer channels.

It is exported as that code exports. Run it with the sources of kokoro (``pip download --no-deps kokoro``, Apache-2.0)
as ``KOKORO``, with transformers, huggingface_hub, loguru and attrs importable, and with torch. The numbers of channels
in the source of its decoder are replaced by smaller ones; nothing else is changed.
"""

from __future__ import annotations

import io
import lzma
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import torch

DATA = Path(__file__).parents[1] / "data"
SOURCES = Path(os.environ["KOKORO"])
CHANNELS = 8

sys.modules["kokoro"] = ModuleType("kokoro")
sys.modules["kokoro"].__path__ = [str(SOURCES)]
decoder = sys.modules["kokoro.istftnet"] = ModuleType("kokoro.istftnet")
source = (
    (SOURCES / "istftnet.py")
    .read_text()
    .replace("1024", str(2 * CHANNELS))
    .replace("512", str(CHANNELS))
    .replace("64", "4")
)
exec(compile(source, "istftnet.py", "exec"), vars(decoder))

from kokoro.model import KModel, KModelForONNX  # noqa: E402

SPECTRA = {"upsample_kernel_sizes": [20, 12], "upsample_rates": [10, 6], "gen_istft_hop_size": 5, "gen_istft_n_fft": 20}
SPECTRA |= {"resblock_dilation_sizes": [[1, 3, 5]], "resblock_kernel_sizes": [3], "upsample_initial_channel": 8}
CONFIG = {
    "istftnet": SPECTRA,
    "dim_in": 4,
    "dropout": 0.2,
    "hidden_dim": CHANNELS,
    "max_conv_dim": CHANNELS,
    "max_dur": 4,
    "n_layer": 1,
}
CONFIG |= {
    "multispeaker": True,
    "n_mels": 80,
    "n_token": 64,
    "style_dim": 128,
    "text_encoder_kernel_size": 5,
    "vocab": {},
}
CONFIG["plbert"] = {
    "hidden_size": 16,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 512,
}
CONFIG["plbert"] |= {"num_hidden_layers": 1, "dropout": 0.1}

if __name__ == "__main__":
    torch.manual_seed(5)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder, "none.pth")
        torch.save({}, weights)  # so that the random weights stay
        model = KModelForONNX(KModel("hexgrad/Kokoro-82M", CONFIG, str(weights), disable_complex=True)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_((weight * 32).round() / 32)  # few values, which compress well
    file = io.BytesIO()
    inputs = torch.randint(0, 64, (1, 20)), torch.randn(1, 256), torch.tensor([1.0])
    with torch.no_grad():
        torch.onnx.export(
            model,
            inputs,
            file,
            opset_version=17,
            input_names=["input_ids", "style", "speed"],
            output_names=["waveform", "duration"],
            dynamic_axes={"input_ids": {1: "tokens"}, "waveform": {0: "samples"}, "duration": {0: "tokens"}},
            dynamo=False,
        )
    path = DATA / "kokoro.onnx.xz"
    path.write_bytes(lzma.compress(file.getvalue(), preset=9))
    print(path, path.stat().st_size)
