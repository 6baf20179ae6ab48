"""The decoder of a codec of the Mimi family, from latents to samples, on consecutive chunks.

Mimi (Défossez et al. 2024, arXiv:2410.00037): a transposed convolution, a transformer whose attention has a window, and
SEANet. All of it is causal, so that a chunk needs only what the layers carry from the chunk before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from voxstack_importers.transformers.causal import Rotary, project_heads
from voxstack_importers.transformers.streamed_convolutions import StreamedSeanet, StreamedTransposedConvolution


class WindowedLayers(nn.Module):
    """The transformer of a codec: each step attends to itself and to the steps of the window before it.

    :param transformer: that of a decoder of transformers' Mimi family.
    """

    def __init__(self, transformer: Any) -> None:
        super().__init__()
        config = transformer.config
        self.layers: Any = transformer.layers
        self.rotary = Rotary(transformer.rotary_emb)
        self.past = config.sliding_window - 1
        """Steps before its own that a step attends to."""
        self.shape = (len(self.layers), 2, config.num_key_value_heads, self.past, config.head_dim)
        """Shape of the keys and values of the steps in the window: layers, 2, heads, steps, channels of a head."""

    def forward(self, x: Tensor, position: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
        """Compute a chunk.

        :param x: (batch, steps, channels).
        :param position: (batch, 1), steps before this chunk.
        :param window: (batch, *shape), keys and values of the steps before; zeros before the first.
        :returns: the same shapes as ``x`` and ``window``.
        """
        steps = torch.arange(x.shape[1], device=x.device)
        rotation = self.rotary(position + steps)
        bias, following = self._bias(steps, position), []
        for number, layer in enumerate(self.layers):
            attention = layer.self_attn
            query, key, value = project_heads(attention, layer.input_layernorm(x), rotation)
            past = window[:, number]
            keys, values = torch.cat([past[:, 0], key], 2), torch.cat([past[:, 1], value], 2)
            query = torch.unflatten(query * attention.scaling, 1, (keys.shape[1], -1))
            weights = torch.softmax(query @ keys.unsqueeze(2).transpose(-2, -1) + bias, -1)
            attended = (weights @ values.unsqueeze(2)).flatten(1, 2).transpose(1, 2).flatten(2)
            x = x + layer.self_attn_layer_scale(attention.o_proj(attended))
            x = x + layer.mlp_layer_scale(layer.mlp(layer.post_attention_layernorm(x)))
            following.append(torch.stack([keys[:, :, -self.past :], values[:, :, -self.past :]], 1))
        return x, torch.stack(following, 1)

    def _bias(self, steps: Tensor, position: Tensor) -> Tensor:
        """Return what hides the steps outside the window, (batch, 1, 1, steps, past + steps)."""
        slots = torch.arange(self.past, device=steps.device)
        own = steps.unsqueeze(1) - steps.unsqueeze(0)
        inside = torch.cat([slots >= steps.unsqueeze(1), (own >= 0) & (own <= self.past)], 1)
        exists = torch.cat([slots >= self.past - position, torch.ones_like(position + steps) > 0], 1)
        return torch.where(inside & exists.unsqueeze(1), 0.0, torch.finfo(torch.float32).min)[:, None, None]


class StreamedCodec(nn.Module):
    """Latents to samples, chunk by chunk.

    ``states`` are dtype and shape of each state without the batch axis, by name; all begin as zeros.

    :param codec: a ``PocketTTSAudioTokenizerModel`` with a decoder.
    """

    def __init__(self, codec: Any) -> None:
        super().__init__()
        decoder = codec.decoder
        self.project: nn.Conv1d = codec.latent_proj
        self.upsample = (
            None if decoder.upsample is None else StreamedTransposedConvolution(decoder.upsample, "upsample")
        )
        self.layers = WindowedLayers(decoder.decoder_transformer)
        self.seanet = StreamedSeanet(decoder.decoder_seanet, "decoder_seanet")
        states: dict[str, tuple[str, tuple[int, ...]]] = {"position": ("int64", (1,))}
        if self.layers.past:
            states["window"] = ("float32", self.layers.shape)
        if self.upsample is not None and self.upsample.steps:
            states["before"] = ("float32", (self.upsample.channels, self.upsample.steps))
        states |= {name: ("float32", shape) for name, shape in self.seanet.states.items()}
        self.states: Mapping[str, tuple[str, tuple[int, ...]]] = states

    def forward(self, latents: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """Compute (batch, samples) from (batch, frames, features), and the states after them."""
        given = dict(zip(self.states, states, strict=True))
        x, following = self.project(latents.transpose(1, 2)), {}
        if self.upsample is not None:
            x, before = self.upsample(x, given.get("before"))
            following["before"] = before
        following["position"] = given["position"] + x.shape[-1]
        window = given["window"] if self.layers.past else latents.new_zeros(latents.shape[0], *self.layers.shape)
        x, following["window"] = self.layers(x.transpose(1, 2), given["position"], window)
        samples, seanet = self.seanet(x.transpose(1, 2), [given[name] for name in self.seanet.states])
        following |= dict(zip(self.seanet.states, seanet, strict=True))
        return samples[:, 0], *(following[name] for name in self.states)
