"""VITS in transformers: the text encoder, with relative attention that exports at any length."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class TextEncoder(nn.Module):
    """From tokens to what the other parts need of them.

    ``tokens`` (batch, tokens) and ``mask`` likewise to ``encoded`` (batch, tokens, 2 * features), means beside logarithms of standard
    deviations, and ``hidden`` (batch, tokens, channels).

    :param encoder: a ``VitsTextEncoder``.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.embed_tokens, self.project = encoder.embed_tokens, encoder.project
        self.layers = encoder.encoder.layers
        self.attentions = nn.ModuleList(RelativeAttention(layer.attention) for layer in self.layers)
        self.scale = math.sqrt(encoder.config.hidden_size)

    def forward(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        padding = mask.unsqueeze(-1)
        hidden = self.embed_tokens(tokens) * self.scale * padding
        for layer, attention in zip(self.layers, self.attentions, strict=True):
            hidden = layer.layer_norm(hidden + attention(hidden, mask))
            hidden = layer.final_layer_norm(hidden + layer.feed_forward(hidden, padding))
        hidden = hidden * padding
        encoded = self.project(hidden.transpose(1, 2)).transpose(1, 2) * padding
        return encoded, hidden


class RelativeAttention(nn.Module):
    """Self-attention with embeddings of relative positions in a window (Shaw et al. 2018, arXiv:1803.02155).

    It computes what a ``VitsAttention`` computes. That pads and reshapes in ways that hold only for inputs longer than its window,
    which an export would fix; here each pair of steps looks up its embedding by the distance.

    :param attention: a ``VitsAttention``.
    """

    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.attention = attention
        self.window: int = attention.window_size or 0

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        own = self.attention
        queries, keys, values = (self._heads(project(hidden)) for project in (own.q_proj, own.k_proj, own.v_proj))
        queries = queries * own.scaling
        scores = queries @ keys.transpose(-2, -1)
        steps = torch.arange(hidden.shape[1], device=hidden.device)
        if self.window:
            distances = steps.unsqueeze(0) - steps.unsqueeze(1)
            by_distance = queries @ own.emb_rel_k.transpose(-2, -1)
            index = (distances.clamp(-self.window, self.window) + self.window).expand_as(scores)
            scores = scores + by_distance.gather(-1, index) * (distances.abs() <= self.window)
        scores = scores.masked_fill(mask[:, None, None] == 0, torch.finfo(scores.dtype).min)
        weights = scores.softmax(-1)
        made = weights @ values
        if self.window:
            places = steps.unsqueeze(1) + torch.arange(-self.window, self.window + 1, device=hidden.device)
            inside = (places >= 0) & (places < hidden.shape[1])
            index = places.clamp(0, hidden.shape[1] - 1).expand(*weights.shape[:3], 2 * self.window + 1)
            made = made + (weights.gather(-1, index) * inside) @ own.emb_rel_v
        return own.out_proj(made.transpose(1, 2).flatten(2))

    def _heads(self, projected: Tensor) -> Tensor:
        return projected.unflatten(-1, (self.attention.num_heads, -1)).transpose(1, 2)
