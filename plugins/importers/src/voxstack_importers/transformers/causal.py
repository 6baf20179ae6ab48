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
        """Return cosines and sines, each (batch, 1, steps, channels of a head), of (batch, steps) whole numbers.

        The first half of the sines is negative, as :func:`rotate` wants it.
        """
        angles = (positions.float().unsqueeze(-1) * self.frequencies).unsqueeze(1)
        cosines, sines = angles.cos() * self.scale, angles.sin() * self.scale
        return torch.cat([cosines, cosines], -1), torch.cat([-sines, sines], -1)


def rotate(heads: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate queries or keys, (batch, heads, steps, channels of a head)."""
    first, second = heads.chunk(2, -1)
    cosines, sines = rotation
    return heads * cosines + torch.cat([second, first], -1) * sines


class ProjectedHeads(nn.Module):
    """Queries, keys and values of an attention, as one product: three small ones take longer.

    :param attention: with ``q_proj``, ``k_proj``, ``v_proj``, ``head_dim`` and ``scaling``.
    """

    def __init__(self, attention: Any) -> None:
        super().__init__()
        query, key, value = attention.q_proj, attention.k_proj, attention.v_proj
        self.channels = attention.head_dim
        self.queries, self.keys = (projection.out_features // self.channels for projection in (query, key))
        parts = [scaled(query, attention.scaling), key, value]
        weight = torch.cat([part.weight.detach() for part in parts])
        bias = None if query.bias is None else torch.cat([part.bias.detach() for part in parts])
        self.projection = _linear(weight, bias)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Return rotated and scaled queries, rotated keys, and values, each (batch, heads, steps, channels of a head).

        :param x: (batch, steps, channels).
        """
        heads = torch.unflatten(self.projection(x), -1, (-1, self.channels)).transpose(1, 2)
        turned = rotate(heads[:, : self.queries + self.keys], rotation)
        return turned[:, : self.queries], turned[:, self.queries :], heads[:, self.queries + self.keys :]


def scaled(layer: nn.Linear, scale: Tensor | float) -> nn.Linear:
    """Return a copy of a layer whose output is multiplied.

    :param scale: one factor, or one for each channel of the output.
    """
    factors = torch.as_tensor(scale).detach().expand(layer.out_features)
    bias = None if layer.bias is None else layer.bias.detach() * factors
    return _linear(layer.weight.detach() * factors.unsqueeze(1), bias)


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, dtype=weight.dtype)
    layer.weight = nn.Parameter(weight, requires_grad=False)
    if bias is not None:
        layer.bias = nn.Parameter(bias, requires_grad=False)
    return layer


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
        self.projections = nn.ModuleList(ProjectedHeads(layer.self_attn) for layer in model.layers)
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
            query, key, value = self.projections[number](layer.input_layernorm(x), rotation)
            query = torch.unflatten(query[:, :, 0], 1, (key.shape[1], -1))
            key = key.transpose(-2, -1)
            scores = torch.cat([query @ keys + bias, query @ key], -1)
            weights = torch.softmax(scores, -1)
            past = weights[..., :-1]
            attended = past @ values + weights[..., -1:] @ value
            followed += self._alignment_weights(number, past)
            x = x + layer.self_attn.o_proj(attended.flatten(1).unsqueeze(1))
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
        for number, (layer, keys, values) in enumerate(zip(self.layers, cache[::2], cache[1::2], strict=True)):
            query, key, value = self.projections[number](layer.input_layernorm(x), rotation)
            keys, values = torch.cat([keys, key.transpose(-2, -1)], 3), torch.cat([values, value], 2)
            query = torch.unflatten(query, 1, (key.shape[1], -1))
            weights = torch.softmax(query @ keys.unsqueeze(2) + bias, -1)
            attended = (weights @ values.unsqueeze(2)).flatten(1, 2).transpose(1, 2).flatten(2)
            x = x + layer.self_attn.o_proj(attended)
            x = x + layer.mlp(layer.post_attention_layernorm(x))
            extended += [keys, values]
        return extended


def cache_names(layers: int) -> list[str]:
    """Return the names of the keys and values of each layer in turn."""
    return [f"{kind}_{layer}" for layer in range(layers) for kind in ("keys", "values")]
