"""The parts of a SpeechT5 in transformers: its text encoder, one step of its decoder, its postnet and its speakers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxstack_importers.transformers.attention import merge_heads, split_heads


class Positions(nn.Module):
    """Sinusoids of positions (Vaswani et al. 2017, arXiv:1706.03762), scaled by a learned factor, without a limit.

    :param encoding: a ``SpeechT5ScaledPositionalEncoding``, whose table of the same values is finite.
    """

    rates: Tensor

    def __init__(self, encoding: Any) -> None:
        super().__init__()
        self.alpha: Tensor = encoding.alpha
        steps = torch.arange(0, encoding.dim, 2, dtype=torch.int64).float()
        self.register_buffer("rates", torch.exp(steps * -(math.log(10000.0) / encoding.dim)))

    def forward(self, positions: Tensor) -> Tensor:
        """Return (..., channels) for (...) whole numbers."""
        angles = positions.float().unsqueeze(-1) * self.rates
        return self.alpha * torch.stack([angles.sin(), angles.cos()], -1).flatten(-2)


def attend(
    query: Tensor, keys: Tensor, values: Tensor, heads: int, bias: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Compute attention of several heads, without the projections around it.

    :param query: (batch, queries, channels), scaled.
    :param keys: (batch, steps, channels), and ``values`` likewise.
    :param bias: added to the scores, broadcast to (batch, heads, queries, steps).
    :returns: (batch, queries, channels), and the weights, (batch, heads, queries, steps).
    """
    query, keys, values = (split_heads(part, heads) for part in (query, keys, values))
    scores = query @ keys.transpose(-2, -1)
    weights = functional.softmax(scores if bias is None else scores + bias, -1)
    return merge_heads(weights @ values), weights


def mask_bias(mask: Tensor) -> Tensor:
    """Return the bias that hides the steps with a 0 in a mask, (batch, steps)."""
    return torch.where(mask > 0, 0.0, torch.finfo(torch.float32).min)[:, None, None]


class TextEncoder(nn.Module):
    """Encodes tokens into the keys and values that the layers of the decoder attend to.

    ``tokens`` (batch, tokens) and ``mask`` likewise to ``keys`` and ``values``, (batch, tokens, layers * channels).

    :param model: a ``SpeechT5ForTextToSpeech``.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        encoder = model.speecht5.encoder
        self.embed_tokens, self.positions = encoder.prenet.embed_tokens, Positions(encoder.prenet.encode_positions)
        self.wrapped: Any = encoder.wrapped_encoder
        self.across = nn.ModuleList(layer.encoder_attn for layer in model.speecht5.decoder.wrapped_decoder.layers)

    def forward(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        steps = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.wrapped.layer_norm(self.embed_tokens(tokens) + self.positions(steps))
        furthest = self.wrapped.embed_positions.max_length
        distances = (steps.unsqueeze(1) - steps.unsqueeze(0)).clamp(-furthest, furthest - 1) + furthest
        relative = self.wrapped.embed_positions.pe_k(distances)
        for layer in self.wrapped.layers:
            own = layer.attention
            query = own.q_proj(x) * own.scaling
            by_distance = torch.einsum("bqhc,qkc->bhqk", torch.unflatten(query, -1, (own.num_heads, -1)), relative)
            bias = by_distance + mask_bias(mask)
            attended, _ = attend(query, own.k_proj(x), own.v_proj(x), own.num_heads, bias)
            x = layer.layer_norm(x + own.out_proj(attended))
            x = layer.final_layer_norm(x + layer.feed_forward(x))
        padding = mask.unsqueeze(-1)
        keys, values = (
            torch.cat([getattr(attention, name)(x) for attention in self.across], -1) * padding
            for name in ("k_proj", "v_proj")
        )
        return keys, values


class Step(nn.Module):
    """One step of the decoder, with its states as inputs and outputs.

    :param model: a ``SpeechT5ForTextToSpeech``.
    :param threshold: the sum of the probabilities that a frame of the step is the last, above which the stream ends, as
        ``generate_speech`` has it.
    """

    def __init__(self, model: Any, threshold: float = 0.5) -> None:
        super().__init__()
        decoder, postnet = model.speecht5.decoder, model.speech_decoder_postnet
        self.prenet, self.positions = decoder.prenet, Positions(decoder.prenet.encode_positions)
        self.layers: Any = decoder.wrapped_decoder.layers
        self.feat_out, self.prob_out = postnet.feat_out, postnet.prob_out
        self.bands, self.threshold = model.config.num_mel_bins, threshold
        self.kept = model.config.speech_decoder_prenet_dropout  # the share that stays, as the original reads it
        self.channels = model.config.hidden_size

    def forward(
        self,
        keys: Tensor,
        values: Tensor,
        mask: Tensor,
        speaker: Tensor,
        previous: Tensor,
        number: Tensor,
        cache: Tensor,
        dropout: Tensor,
    ) -> tuple[Tensor, ...]:
        """Compute the next frames.

        :param keys: (batch, tokens, layers * channels), and ``values`` likewise.
        :param mask: (batch, tokens).
        :param speaker: (batch, features), of length 1.
        :param previous: (batch, bands), the last frame of the previous step; zeros before the first.
        :param number: (batch, 1), that of this step, from 0.
        :param cache: (batch, steps, layers * 2 * channels), keys and values of the previous steps.
        :param dropout: (batch, layers of the prenet * units), uniform from 0 to 1.
        :returns: frames (batch, frames of a step, bands), stop (batch, 1), attention (batch, tokens), and the next
            ``previous``, ``number`` and ``cache``.
        """
        x = self._prenet(previous, dropout, number, speaker)
        size, across_bias = self.channels, mask_bias(mask)
        states, attention = [], []
        for index, layer in enumerate(self.layers):
            own, across = layer.self_attn, layer.encoder_attn
            states.append(torch.cat([own.k_proj(x), own.v_proj(x)], -1))
            past = torch.cat([cache[..., 2 * index * size : 2 * (index + 1) * size], states[-1]], 1)
            attended, _ = attend(own.q_proj(x) * own.scaling, past[..., :size], past[..., size:], own.num_heads)
            x = layer.self_attn_layer_norm(x + own.out_proj(attended))
            query, part = across.q_proj(x) * across.scaling, slice(index * size, (index + 1) * size)
            attended, weights = attend(query, keys[..., part], values[..., part], across.num_heads, across_bias)
            attention.append(weights[:, :, 0].mean(1))
            x = layer.encoder_attn_layer_norm(x + across.out_proj(attended))
            x = layer.final_layer_norm(x + layer.feed_forward(x))
        frames = torch.unflatten(self.feat_out(x[:, 0]), -1, (-1, self.bands))
        stop = torch.sigmoid(self.prob_out(x[:, 0])).sum(-1, keepdim=True) - self.threshold
        cache = torch.cat([cache, torch.cat(states, -1)], 1)
        return frames, stop, torch.stack(attention).mean(0), frames[:, -1], number + 1, cache

    def _prenet(self, previous: Tensor, dropout: Tensor, number: Tensor, speaker: Tensor) -> Tensor:
        """Return the input of the first layer, (batch, 1, channels)."""
        layers: Sequence[Any] = self.prenet.layers
        x = previous
        for layer, drawn in zip(layers, torch.unflatten(dropout, -1, (len(layers), -1)).unbind(1), strict=True):
            x = torch.where(drawn < self.kept, functional.relu(layer(x)), 0.0) / (1 - self.kept)
        x = self.prenet.final_layer(x) + self.positions(number[:, 0])
        return functional.relu(self.prenet.speaker_embeds_layer(torch.cat([x, speaker], -1))).unsqueeze(1)


class Postnet(nn.Module):
    """``frames`` (batch, frames, bands) and ``mask`` (batch, frames) to ``mel``, as frames.

    :param postnet: a ``SpeechT5SpeechDecoderPostnet``.
    """

    def __init__(self, postnet: Any) -> None:
        super().__init__()
        self.layers: Any = postnet.layers

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        x = frames.transpose(1, 2)
        for layer in self.layers:
            x = layer(x * mask.unsqueeze(1))
        return frames + x.transpose(1, 2)


class Speakers(nn.Module):
    """``speaker_id`` (batch) to ``speaker`` (batch, features), of length 1.

    :param table: (speakers, features).
    """

    table: Tensor

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        self.register_buffer("table", functional.normalize(table))

    def forward(self, speaker_id: Tensor) -> Tensor:
        return self.table[speaker_id]
