"""Writes ``tests/data/supertonic_*.onnx.xz``: the four graphs of a Supertonic voice, with random weights.

Its training code is not public. The modules here follow the paper (Kim et al., SupertonicTTS, arXiv:2503.23108) with
fewer channels and layers: ConvNeXt blocks, attention to text and style, a flow that is run step by step, and a vocoder
of causal convolutions. The graphs have the names, inputs and axes of the published ones. Run it with torch.
"""

from __future__ import annotations

import io
import lzma
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

DATA = Path(__file__).parents[1] / "data"
SYMBOLS, WIDTH, LATENTS, CHUNK, HOP = 60, 16, 4, 6, 512
TEXT_STYLE, DURATION_STYLE = (10, 16), (4, 8)
"""Tokens and features of the styles; the published ones have (50, 256) and (8, 16), and 24 latents."""


class ConvNeXt(nn.Module):
    """A depthwise convolution, normalisation over channels, and two layers, added to the input."""

    def __init__(self, channels: int, kernel: int, dilation: int = 1, causal: bool = False) -> None:
        super().__init__()
        reach = (kernel - 1) * dilation
        self.padding = (reach, 0) if causal else (reach // 2, reach - reach // 2)
        self.depthwise = nn.Conv1d(channels, channels, kernel, dilation=dilation, groups=channels)
        self.norm, self.wide = nn.LayerNorm(channels), nn.Linear(channels, 2 * channels)
        self.narrow, self.gamma = nn.Linear(2 * channels, channels), nn.Parameter(torch.full((channels,), 0.5))

    def forward(self, x, mask=None):
        masked = x if mask is None else x * mask
        y = self.depthwise(functional.pad(masked, self.padding, mode="constant" if mask is not None else "replicate"))
        y = self.narrow(functional.gelu(self.wide(self.norm(y.transpose(1, 2)))))
        x = x + (self.gamma * y).transpose(1, 2)
        return x if mask is None else x * mask


class Attention(nn.Module):
    """Attention of a sequence, (batch, channels, steps), to another, (batch, others, features), added to the first."""

    def __init__(self, channels: int, features: int) -> None:
        super().__init__()
        self.query, self.key = nn.Linear(channels, channels), nn.Linear(features, channels)
        self.value = nn.Linear(features, channels)

    def forward(self, x, others, mask=None):
        scores = self.query(x.transpose(1, 2)) @ self.key(others).transpose(1, 2) / x.shape[1] ** 0.5
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e4)
        return x + (torch.softmax(scores, 2) @ self.value(others)).transpose(1, 2)


class DurationPredictor(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.block = nn.Embedding(SYMBOLS, WIDTH), ConvNeXt(WIDTH, 5)
        self.out = nn.Sequential(nn.Linear(WIDTH + DURATION_STYLE[0] * DURATION_STYLE[1], WIDTH), nn.PReLU())
        self.last = nn.Linear(WIDTH, 1)

    def forward(self, text_ids, style_dp, text_mask):
        x = self.block(self.embedding(text_ids).transpose(1, 2) * text_mask, text_mask)
        x = self.last(self.out(torch.cat([x.sum(2) / text_mask.sum(2), style_dp.flatten(1)], 1)))
        return torch.exp(0.2 * x[:, 0]) * text_mask.sum((1, 2)) * 0.08


class TextEncoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, WIDTH)
        self.blocks = nn.ModuleList(ConvNeXt(WIDTH, 5) for _ in range(2))
        self.own, self.style = Attention(WIDTH, WIDTH), Attention(WIDTH, TEXT_STYLE[1])

    def forward(self, text_ids, style_ttl, text_mask):
        x = self.embedding(text_ids).transpose(1, 2) * text_mask
        for block in self.blocks:
            x = block(x, text_mask)
        x = self.own(x, x.transpose(1, 2), text_mask)
        return self.style(x, style_ttl) * text_mask


class VectorEstimator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = nn.Conv1d(LATENTS * CHUNK, WIDTH, 1), nn.Conv1d(WIDTH, LATENTS * CHUNK, 1)
        self.time = nn.Sequential(nn.Linear(8, WIDTH), nn.Mish(), nn.Linear(WIDTH, WIDTH))
        self.blocks = nn.ModuleList(ConvNeXt(WIDTH, 5, dilation) for dilation in (1, 2))
        self.text, self.style = Attention(WIDTH, WIDTH), Attention(WIDTH, TEXT_STYLE[1])

    def forward(self, noisy_latent, text_emb, style_ttl, latent_mask, text_mask, current_step, total_step):
        angles = (current_step / total_step)[:, None] * torch.tensor([1.0, 3.0, 10.0, 30.0])
        x = self.before(noisy_latent) + self.time(torch.cat([angles.sin(), angles.cos()], 1))[:, :, None]
        x = self.blocks[0](x * latent_mask, latent_mask)
        x = self.text(x, text_emb.transpose(1, 2), text_mask)
        x = self.style(self.blocks[1](x, latent_mask), style_ttl)
        return (noisy_latent + self.after(x) / total_step[:, None, None]) * latent_mask


class Vocoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(0.25))
        self.embed = nn.Conv1d(LATENTS, WIDTH, 7)
        self.blocks = nn.ModuleList(ConvNeXt(WIDTH, 7, dilation, causal=True) for dilation in (1, 2, 4))
        self.norm, self.act = nn.BatchNorm1d(WIDTH), nn.PReLU()
        self.head, self.out = nn.Conv1d(WIDTH, 2 * WIDTH, 3), nn.Conv1d(2 * WIDTH, HOP, 1, bias=False)

    def forward(self, latent):
        batch, _, steps = latent.shape
        x = (latent / self.scale).reshape(batch, LATENTS, CHUNK, steps).transpose(2, 3)
        x = x.reshape(batch, LATENTS, steps * CHUNK)
        x = self.embed(functional.pad(x, (6, 0), mode="replicate"))
        for block in self.blocks:
            x = block(x)
        x = self.out(self.act(self.head(functional.pad(self.norm(x), (2, 0), mode="replicate"))))
        return 0.2 * x.transpose(1, 2).reshape(batch, steps * CHUNK * HOP)


def export(module: nn.Module, inputs: dict[str, torch.Tensor], output: str, name: str) -> None:
    """Export with batch, tokens and frames free, as the published graphs have them."""
    module.eval()
    with torch.no_grad():
        for weights in module.parameters():
            weights.copy_((weights * 64).round() / 64)  # few values, which compress well
    lengths = {"text_ids": "text_length", "text_mask": "text_length", "text_emb": "text_length"}
    lengths |= dict.fromkeys(("noisy_latent", "latent_mask", "latent"), "latent_length")
    free = {
        key: {0: "batch_size", **({value.dim() - 1: lengths[key]} if key in lengths else {})}
        for key, value in inputs.items()
    }
    file = io.BytesIO()
    names = {"input_names": list(inputs), "output_names": [output], "dynamic_axes": {**free, output: {0: "batch_size"}}}
    with torch.no_grad():
        torch.onnx.export(module, tuple(inputs.values()), file, opset_version=17, dynamo=False, **names)
    path = DATA / f"supertonic_{name}.onnx.xz"
    path.write_bytes(lzma.compress(file.getvalue(), preset=9))
    print(path, path.stat().st_size)


if __name__ == "__main__":
    torch.manual_seed(21)
    text = {"text_ids": torch.randint(0, SYMBOLS, (2, 30))}
    mask = {"text_mask": torch.ones(2, 1, 30)}
    style = {"style_ttl": torch.randn(2, *TEXT_STYLE)}
    export(
        DurationPredictor(),
        {**text, "style_dp": torch.randn(2, *DURATION_STYLE), **mask},
        "duration",
        "duration_predictor",
    )
    export(TextEncoder(), {**text, **style, **mask}, "text_emb", "text_encoder")
    latents = {"noisy_latent": torch.randn(2, LATENTS * CHUNK, 20), "text_emb": torch.randn(2, WIDTH, 30), **style}
    latents |= {"latent_mask": torch.ones(2, 1, 20), **mask}
    steps = {"current_step": torch.zeros(2), "total_step": torch.full((2,), 5.0)}
    export(VectorEstimator(), {**latents, **steps}, "denoised_latent", "vector_estimator")
    export(Vocoder(), {"latent": torch.randn(2, LATENTS * CHUNK, 20)}, "wav_tts", "vocoder")
