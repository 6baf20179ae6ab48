"""Writes ``tests/data/piper_*.onnx.xz``: voices of Piper's own training code with random weights.

They are exported as its ``export_onnx`` does. ``pip install --no-deps piper-tts`` installs that code
(GPL-3.0-or-later), which needs torch; nothing of it is in the files.
"""

from __future__ import annotations

import io
import lzma
from pathlib import Path

import torch
from piper.train.vits.models import DurationPredictor, SynthesizerTrn

DATA = Path(__file__).parents[1] / "data"
SMALL = {
    "spec_channels": 9,
    "segment_size": 4,
    "inter_channels": 8,
    "hidden_channels": 8,
    "filter_channels": 16,
    "n_heads": 2,
    "n_layers": 2,
}
SMALL |= {"kernel_size": 3, "p_dropout": 0.1, "n_vocab": 64}
LOW = {"resblock": "2", "resblock_kernel_sizes": (3, 5, 7), "resblock_dilation_sizes": ((1, 2), (2, 6), (3, 12))}
LOW |= {"upsample_rates": (8, 8, 4), "upsample_initial_channel": 16, "upsample_kernel_sizes": (16, 16, 8)}
"""As in ``x_low`` and ``low`` voices, but for the channels."""


def model(seed: int, **settings: object) -> SynthesizerTrn:
    """Return a voice that is not silent: weights that training starts at zero are random, too."""
    torch.manual_seed(seed)
    voice = SynthesizerTrn(**SMALL, **LOW, **settings)
    if not voice.use_sdp:  # as narrow as the rest is
        voice.dp = DurationPredictor(SMALL["hidden_channels"], 16, 3, 0.5)
    voice.eval()
    voice.dec.remove_weight_norm()
    with torch.no_grad():
        for name, weights in voice.named_parameters():
            if not weights.any():
                weights.normal_(0, 0.1)
            elif name.startswith("dec.") and weights.dim() > 1:
                weights.mul_(2.5 if "ups" in name or "resblocks" in name else 1)
    return voice


def export(voice: SynthesizerTrn, name: str) -> None:
    """Export as Piper does: with opset 15, its dynamic axes, and the sampling inside."""

    def infer(text, text_lengths, scales, sid=None):
        scaled = {"noise_scale": scales[0], "length_scale": scales[1], "noise_scale_w": scales[2]}
        return voice.infer(text, text_lengths, **scaled, sid=sid)[0].unsqueeze(1)

    voice.forward = infer
    tokens = torch.randint(0, voice.n_vocab, (1, 50))
    sid = torch.LongTensor([0]) if voice.n_speakers > 1 else None
    free = {
        "input": {0: "batch_size", 1: "phonemes"},
        "input_lengths": {0: "batch_size"},
        "output": {0: "batch_size", 2: "time"},
    }
    file = io.BytesIO()
    torch.onnx.export(
        voice,
        (tokens, torch.LongTensor([50]), torch.FloatTensor([0.667, 1.0, 0.8]), sid),
        file,
        opset_version=15,
        input_names=["input", "input_lengths", "scales", "sid"],
        output_names=["output"],
        dynamic_axes=free,
        dynamo=False,
    )
    path = DATA / f"piper_{name}.onnx.xz"
    path.write_bytes(lzma.compress(file.getvalue(), preset=9))
    print(path, path.stat().st_size)


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    export(model(1), "one")
    export(model(2, n_speakers=3, gin_channels=6), "three")
    export(model(3, use_sdp=False), "plain")
