"""Four encoders of random weights and usual sizes, for the benchmark of encoders."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack_packager import NetworkSource

PARTS = ["text", "pitch", "energy", "style"]


def sources() -> list[NetworkSource]:
    """Return the four networks, the largest first, because it starts first."""
    import torch

    torch.manual_seed(0)
    modules = _modules()
    tokens = {"tokens": ("int64", ["batch", "tokens"]), "mask": ("float32", ["batch", "tokens"], True)}
    mel = {"reference": ("float32", ["batch", "frames", 80])}
    inputs = {"text": tokens, "pitch": tokens, "energy": tokens, "style": mel}
    outputs = {
        "text": {"encoded": ("float32", ["batch", "tokens", 192])},
        "pitch": {"pitch": ("float32", ["batch", "tokens"])},
        "energy": {"energy": ("float32", ["batch", "tokens"])},
        "style": {"style": ("float32", ["batch", 128])},
    }
    examples = {"text": random_tokens, "pitch": random_tokens, "energy": random_tokens, "style": random_reference}
    return [
        NetworkSource(
            name, "encoder", modules[name].eval(), inputs[name], outputs[name], examples[name], formats=("onnx",)
        )
        for name in PARTS
    ]


def random_tokens(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Return the random tokens of an utterance: (batch, tokens)."""
    return {"tokens": rng.integers(0, 100, (sizes["batch"], sizes["tokens"]))}


def random_reference(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Return a random mel-spectrogram as reference recording: (batch, frames, 80)."""
    return {"reference": rng.standard_normal((sizes["batch"], sizes["frames"], 80)).astype(np.float32)}


def _modules() -> dict[str, Any]:
    import torch
    from torch import nn

    class Layer(nn.Module):
        """A feed-forward transformer block with convolutions, as in FastSpeech (Ren et al., NeurIPS 2019)."""

        def __init__(self, width: int = 192, wide: int = 768) -> None:
            super().__init__()
            self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Conv1d(width, wide, 3, padding=1), nn.Conv1d(wide, width, 3, padding=1)

        def forward(self, x: Any, mask: Any) -> Any:
            q, k, v = self.qkv(self.first(x)).unflatten(2, (3, 2, 96)).permute(2, 0, 3, 1, 4)
            weights = torch.softmax(q @ k.transpose(2, 3) / 96**0.5 + (mask[:, None, None] - 1) * 1e9, 3)
            x = x + self.out((weights @ v).transpose(1, 2).flatten(2)) * mask[..., None]
            y = torch.relu(self.up((self.second(x) * mask[..., None]).transpose(1, 2))) * mask[:, None]
            return x + self.down(y).transpose(1, 2) * mask[..., None]

    class Text(nn.Module):
        """A text encoder of 4.2 million weights."""

        def __init__(self) -> None:
            super().__init__()
            self.table, self.layers = nn.Embedding(100, 192), nn.ModuleList(Layer() for _ in range(4))

        def forward(self, tokens: Any, mask: Any) -> Any:
            x = self.table(tokens) * mask[..., None]
            for layer in self.layers:
                x = layer(x, mask)
            return x

    class Predictor(nn.Module):
        """A convolutional predictor of one value per token, as in FastSpeech 2 (Ren et al., ICLR 2021)."""

        def __init__(self, layers: int, kernel: int) -> None:
            super().__init__()
            self.table = nn.Embedding(100, 192)
            self.convs = nn.ModuleList(
                nn.Conv1d(256 if i else 192, 256, kernel, padding=kernel // 2) for i in range(layers)
            )
            self.out = nn.Linear(256, 1)

        def forward(self, tokens: Any, mask: Any) -> Any:
            x = self.table(tokens).transpose(1, 2) * mask[:, None]
            for conv in self.convs:
                x = torch.relu(conv(x)) * mask[:, None]
            return self.out(x.transpose(1, 2))[..., 0] * mask

    class Style(nn.Module):
        """Six convolutions that halve time and frequency (Skerry-Ryan et al., ICML 2018); a mean replaces their GRU."""

        def __init__(self) -> None:
            super().__init__()
            sizes = [1, 32, 32, 64, 64, 128, 128]
            self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in itertools.pairwise(sizes))

        def forward(self, reference: Any) -> Any:
            x = reference[:, None]
            for conv in self.convs:
                x = torch.relu(conv(x))
            return x.mean((2, 3))

    return {"text": Text(), "pitch": Predictor(5, 5), "energy": Predictor(2, 3), "style": Style()}
