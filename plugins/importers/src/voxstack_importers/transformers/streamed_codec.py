"""The decoder of a codec of the Mimi family, from latents to samples, on consecutive chunks.

Mimi (Défossez et al. 2024, arXiv:2410.00037): a transposed convolution, a transformer whose attention has a window, and
SEANet. All of it is causal, so that a chunk needs only what the layers carry from the chunk before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxstack_importers.transformers.causal import ProjectedHeads, Rotary, scaled
from voxstack_importers.transformers.streamed_convolutions import StreamedSeanet, StreamedTransposedConvolution

BLOCK = 64
"""Steps of a block at most: a long chunk as a whole would compute mostly what the window hides."""


class Blocks(NamedTuple):
    """Parts of a chunk, whose steps attend to the same slots: those of the window before the part, and its own.

    :param shape: their number and length.
    :param padding: steps by which they are longer than the chunk.
    :param slots: (blocks, slots), of the window and the chunk.
    :param bias: what hides slots outside the window of a step, (batch, 1, 1, blocks, steps, slots).
    """

    shape: tuple[int, int]
    padding: int
    slots: Tensor
    bias: Tensor


class WindowedLayer(nn.Module):
    """A layer of :class:`WindowedLayers`, its scales within its weights.

    :param layer: one of transformers' Mimi family.
    """

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.norm, self.norm_after = layer.input_layernorm, layer.post_attention_layernorm
        self.project = ProjectedHeads(layer.self_attn)
        self.join = scaled(layer.self_attn.o_proj, layer.self_attn_layer_scale.scale)
        self.widen, self.activate = layer.mlp.fc1, layer.mlp.activation_fn
        self.narrow = scaled(layer.mlp.fc2, layer.mlp_layer_scale.scale)

    def forward(
        self, x: Tensor, rotation: tuple[Tensor, Tensor], blocks: Blocks, past: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Compute a chunk, (batch, steps, channels); return it, and the keys and values of the past and of its steps.

        :param past: (batch, 2, heads, steps, channels of a head), keys and values of the steps before.
        """
        query, key, value = self.project(self.norm(x), rotation)
        both = torch.cat([past, torch.stack([key, value], 1)], 3)
        seen = functional.pad(both, (0, 0, 0, blocks.padding))[:, :, :, blocks.slots].unsqueeze(3)
        query = functional.pad(query, (0, 0, 0, blocks.padding))
        query = query.reshape(x.shape[0], key.shape[1], -1, *blocks.shape, key.shape[-1])
        weights = torch.softmax(query @ seen[:, 0].transpose(-2, -1) + blocks.bias, -1)
        attended = (weights @ seen[:, 1]).flatten(3, 4)[:, :, :, : x.shape[1]].flatten(1, 2)
        x = x + self.join(attended.transpose(1, 2).flatten(2))
        return x + self.narrow(self.activate(self.widen(self.norm_after(x)))), both


class WindowedLayers(nn.Module):
    """The transformer of a codec: each step attends to itself and to the steps of the window before it.

    :param transformer: that of a decoder of transformers' Mimi family.
    """

    def __init__(self, transformer: Any) -> None:
        super().__init__()
        config = transformer.config
        self.layers = nn.ModuleList(WindowedLayer(layer) for layer in transformer.layers)
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
        blocks, following = self._blocks(x.shape[1], position), []
        for number, layer in enumerate(self.layers):
            x, both = layer(x, rotation, blocks, window[:, number])
            following.append(both[:, :, :, -self.past :])
        return x, torch.stack(following, 1)

    def _blocks(self, steps: int, position: Tensor) -> Blocks:
        """Return the blocks of a chunk."""
        count = (steps + BLOCK - 1) // BLOCK
        length = (steps + count - 1) // count
        numbers, own, seen = (
            torch.arange(size, device=position.device) for size in (count, length, self.past + length)
        )
        slots = numbers.unsqueeze(1) * length + seen
        back = own.unsqueeze(1) + self.past - seen  # steps from a step back to each that its block reads
        inside, exists = (back >= 0) & (back <= self.past), slots >= self.past - position.unsqueeze(-1)
        bias = torch.where(inside & exists.unsqueeze(2), 0.0, torch.finfo(torch.float32).min)[:, None, None]
        return Blocks((count, length), count * length - steps, slots, bias)


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
