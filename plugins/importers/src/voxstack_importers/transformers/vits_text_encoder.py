"""The text encoder of a VITS in transformers, with relative attention that exports at any length."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from voxstack_importers.transformers.attention import merge_heads, split_heads


class TextEncoder(nn.Module):
    """Encodes tokens into what the other parts read.

    ``tokens`` (batch, tokens) and ``mask`` likewise to ``encoded`` (batch, tokens, 2 * features), means and then
    logarithms of standard deviations, and ``hidden`` (batch, tokens, channels).

    :param encoder: a ``VitsTextEncoder``.
    """

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.embed_tokens, self.project = encoder.embed_tokens, encoder.project
        self.layers: Any = encoder.encoder.layers
        self.attentions = nn.ModuleList(RelativeAttention(layer.attention) for layer in self.layers)
        self.scale = math.sqrt(encoder.config.hidden_size)

    def forward(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        padding = mask.unsqueeze(-1)
        hidden: Tensor = self.embed_tokens(tokens) * self.scale * padding
        for layer, attention in zip(self.layers, self.attentions, strict=True):
            hidden = layer.layer_norm(hidden + attention(hidden, mask))
            hidden = layer.final_layer_norm(hidden + layer.feed_forward(hidden, padding))
        hidden = hidden * padding
        encoded = self.project(hidden.transpose(1, 2)).transpose(1, 2) * padding
        return encoded, hidden


class RelativeAttention(nn.Module):
    """Self-attention with embeddings of relative positions in a window (Shaw et al. 2018, arXiv:1803.02155).

    It computes what a ``VitsAttention`` computes. That pads and reshapes in ways that hold only for inputs longer than
    its window, which an export would fix; here each pair of steps looks up its embedding by the distance.

    :param attention: a ``VitsAttention``.
    """

    def __init__(self, attention: Any) -> None:
        super().__init__()
        self.attention = attention
        self.window: int = attention.window_size or 0

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        own: Any = self.attention
        queries, keys, values = (
            split_heads(project(hidden), own.num_heads) for project in (own.q_proj, own.k_proj, own.v_proj)
        )
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
        attended = weights @ values
        if self.window:
            attended = attended + self._relative_values(weights, steps) @ own.emb_rel_v
        projected: Tensor = own.out_proj(merge_heads(attended))
        return projected

    def _relative_values(self, weights: Tensor, steps: Tensor) -> Tensor:
        """Return the weight of each distance in the window: (batch, heads, steps, 2 * window + 1)."""
        positions = steps.unsqueeze(1) + torch.arange(-self.window, self.window + 1, device=steps.device)
        inside = (positions >= 0) & (positions < steps.shape[0])
        index = positions.clamp(0, steps.shape[0] - 1).expand(*weights.shape[:3], 2 * self.window + 1)
        return weights.gather(-1, index) * inside
