"""Decoder-only transformers with rotary positions, as networks that read and extend a cache of keys and values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from voxstack_packager import PackagingError

FIXED_ROTATIONS = ("default", "linear", "llama3", "yarn", "proportional")
"""Kinds of rotary positions whose frequencies do not depend on the length of the sequence."""


class Rotary(nn.Module):
    """Rotary positions (Su et al. 2021, arXiv:2104.09864), without a limit.

    :param embedding: the module of transformers that computes them.
    :raises PackagingError: if its frequencies depend on the length of the sequence.
    """

    frequencies: Tensor

    def __init__(self, embedding: Any) -> None:
        super().__init__()
        kind = embedding.rope_type
        if kind not in FIXED_ROTATIONS:
            problem = f"rotary positions of the kind {kind!r} change with the length, so that a cache does not hold"
            raise PackagingError("config.json: rope_parameters", f"{problem}; supported are {FIXED_ROTATIONS}")
        self.scale = float(embedding.attention_scaling)
        self.register_buffer("frequencies", embedding.inv_freq.detach().clone().float())

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return cosines and sines, each (batch, 1, steps, channels of a head), of (batch, steps) whole numbers."""
        angles = positions.float().unsqueeze(-1) * self.frequencies
        angles = torch.cat([angles, angles], -1).unsqueeze(1)
        return angles.cos() * self.scale, angles.sin() * self.scale


def rotate(heads: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate queries or keys, (batch, heads, steps, channels of a head)."""
    first, second = heads.chunk(2, -1)
    cosines, sines = rotation
    return heads * cosines + torch.cat([-second, first], -1) * sines


def project_heads(attention: Any, x: Tensor, rotation: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Return rotated queries and keys, and values, each (batch, heads, steps, channels of a head).

    :param attention: with ``q_proj``, ``k_proj``, ``v_proj`` and ``head_dim``.
    :param x: (batch, steps, channels).
    """
    query, key, value = (
        torch.unflatten(projection(x), -1, (-1, attention.head_dim)).transpose(1, 2)
        for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    return rotate(query, rotation), rotate(key, rotation), value


class CausalLayers(nn.Module):
    """The layers of a decoder-only transformer, and its last norm.

    Each layer has keys, (batch, key heads, channels of a head, past), and values, (batch, key heads, past, channels of
    a head), so that products read both as they are. Several query heads may share a key head (Ainslie et al. 2023,
    arXiv:2305.13245).

    :param model: a model of transformers with ``layers``, ``norm`` and ``rotary_emb``.
    :param heads: layer and head of each alignment head, counted from 0; by default all.
    """

    def __init__(self, model: Any, heads: Sequence[tuple[int, int]] | None = None) -> None:
        super().__init__()
        self.layers: Any = model.layers
        self.heads = heads
        self.norm, self.rotary = model.norm, Rotary(model.rotary_emb)

    def step(self, x: Tensor, mask: Tensor, cache: Sequence[Tensor]) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Compute one step after the steps in the cache, which is read in place and not copied.

        :param x: (batch, channels), the input of the step.
        :param mask: (batch, past), 1 for steps in the cache, 0 for padding after them.
        :param cache: keys and values of each layer in turn.
        :returns: (batch, channels); (batch, past), the mean attention of the alignment heads to the cache, of sum 1;
            and the keys and values of this step, in the order of the cache, with one step.
        """
        bias = torch.where(mask > 0, 0.0, torch.finfo(torch.float32).min)[:, None, None]
        rotation = self.rotary(mask.sum(1, keepdim=True))
        x, new, followed = x.unsqueeze(1), [], []
        for number, (layer, keys, values) in enumerate(zip(self.layers, cache[::2], cache[1::2], strict=True)):
            attention = layer.self_attn
            query, key, value = project_heads(attention, layer.input_layernorm(x), rotation)
            query = torch.unflatten(query[:, :, 0] * attention.scaling, 1, (key.shape[1], -1))
            key = key.transpose(-2, -1)
            scores = torch.cat([query @ keys + bias, query @ key], -1)
            weights = torch.softmax(scores, -1)
            past = weights[..., :-1]
            attended = past @ values + weights[..., -1:] @ value
            followed += self._alignment_weights(number, past)
            x = x + attention.o_proj(attended.flatten(1).unsqueeze(1))
            x = x + layer.mlp(layer.post_attention_layernorm(x))
            new += [key, value]
        weights = torch.cat(followed, 1).flatten(1, 2)
        added = (torch.ones(1, 1, weights.shape[1]) @ weights)[:, 0]  # a product: runtimes add up other axes slowly
        return self.norm(x)[:, 0], added / added.sum(1, keepdim=True), new

    def _alignment_weights(self, layer: int, weights: Tensor) -> list[Tensor]:
        """Return the weights of the alignment heads of a layer, with the axes of all, if it has some.

        :param weights: of all heads, (batch, key heads, heads that share one, past).
        """
        if self.heads is None:
            return [weights]
        chosen = [head for number, head in self.heads if number == layer]
        return [weights.flatten(1, 2)[:, chosen].unsqueeze(2)] if chosen else []

    def extend(self, x: Tensor, cache: Sequence[Tensor]) -> list[Tensor]:
        """Return the cache with steps appended that may each attend to the cache and to the steps before.

        :param x: (batch, steps, channels).
        """
        past, steps = cache[0].shape[3], torch.arange(x.shape[1], device=x.device)
        rotation = self.rotary((steps + past).unsqueeze(0))
        order = torch.arange(x.shape[1] + past, device=x.device)
        bias = torch.where(order <= (steps + past).unsqueeze(1), 0.0, torch.finfo(torch.float32).min)
        extended = []
        for layer, keys, values in zip(self.layers, cache[::2], cache[1::2], strict=True):
            attention = layer.self_attn
            query, key, value = project_heads(attention, layer.input_layernorm(x), rotation)
            keys, values = torch.cat([keys, key.transpose(-2, -1)], 3), torch.cat([values, value], 2)
            query = torch.unflatten(query * attention.scaling, 1, (key.shape[1], -1))
            weights = torch.softmax(query @ keys.unsqueeze(2) + bias, -1)
            attended = (weights @ values.unsqueeze(2)).flatten(1, 2).transpose(1, 2).flatten(2)
            x = x + attention.o_proj(attended)
            x = x + layer.mlp(layer.post_attention_layernorm(x))
            extended += [keys, values]
        return extended


def cache_names(layers: int) -> list[str]:
    """Return the names of the keys and values of each layer in turn."""
    return [f"{kind}_{layer}" for layer in range(layers) for kind in ("keys", "values")]
