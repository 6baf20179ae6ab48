"""SpeechT5 in transformers: its text encoder, and one step of its decoder with what it remembers as inputs and outputs."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Positions(nn.Module):
    """Sinusoids of positions (Vaswani et al. 2017, arXiv:1706.03762), scaled by a learned factor: those of the original, at any position.

    :param encoding: a ``SpeechT5ScaledPositionalEncoding``, whose table ends somewhere.
    """

    def __init__(self, encoding: nn.Module) -> None:
        super().__init__()
        self.alpha = encoding.alpha
        steps = torch.arange(0, encoding.dim, 2, dtype=torch.int64).float()
        self.register_buffer("rates", torch.exp(steps * -(math.log(10000.0) / encoding.dim)))

    def forward(self, positions: Tensor) -> Tensor:
        """(...) whole numbers to (..., channels)."""
        angles = positions.float().unsqueeze(-1) * self.rates
        return self.alpha * torch.stack([angles.sin(), angles.cos()], -1).flatten(-2)


def attended(
    query: Tensor, keys: Tensor, values: Tensor, heads: int, bias: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Attention of several heads, which is added up outside.

    :param query: (batch, queries, channels), scaled; ``keys`` and ``values`` (batch, steps, channels).
    :param bias: what is added to the scores, broadcast to (batch, heads, queries, steps).
    :returns: (batch, queries, channels), and the weights, (batch, heads, queries, steps).
    """
    query, keys, values = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in (query, keys, values))
    scores = query @ keys.transpose(-2, -1)
    weights = functional.softmax(scores if bias is None else scores + bias, -1)
    return (weights @ values).transpose(1, 2).flatten(2), weights


def hidden(mask: Tensor) -> Tensor:
    """(batch, steps) of ones and zeros to what hides steps in scores."""
    return torch.where(mask > 0, 0.0, torch.finfo(torch.float32).min)[:, None, None]


class TextEncoder(nn.Module):
    """``tokens`` (batch, tokens) and ``mask`` likewise to ``keys`` and ``values`` of all layers of the decoder.

    Both are (batch, tokens, layers * channels).

    :param model: a ``SpeechT5ForTextToSpeech``.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        encoder = model.speecht5.encoder
        self.embed_tokens, self.positions = encoder.prenet.embed_tokens, Positions(encoder.prenet.encode_positions)
        self.wrapped = encoder.wrapped_encoder
        self.across = nn.ModuleList(layer.encoder_attn for layer in model.speecht5.decoder.wrapped_decoder.layers)

    def forward(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.wrapped.layer_norm(self.embed_tokens(tokens) + self.positions(places))
        furthest = self.wrapped.embed_positions.max_length
        distances = (places.unsqueeze(1) - places.unsqueeze(0)).clamp(-furthest, furthest - 1) + furthest
        near = self.wrapped.embed_positions.pe_k(distances)
        for layer in self.wrapped.layers:
            own = layer.attention
            query = own.q_proj(x) * own.scaling
            by_distance = torch.einsum("bqhc,qkc->bhqk", query.unflatten(-1, (own.num_heads, -1)), near)
            made, _ = attended(query, own.k_proj(x), own.v_proj(x), own.num_heads, by_distance + hidden(mask))
            x = layer.layer_norm(x + own.out_proj(made))
            x = layer.final_layer_norm(x + layer.feed_forward(x))
        padding = mask.unsqueeze(-1)
        keys, values = (
            torch.cat([getattr(one, name)(x) for one in self.across], -1) * padding for name in ("k_proj", "v_proj")
        )
        return keys, values


class Step(nn.Module):
    """One step of the decoder.

    :param model: a ``SpeechT5ForTextToSpeech``.
    :param threshold: of the sum of the probabilities that a frame of the step is the last, as ``generate_speech`` has it.
    """

    def __init__(self, model: Any, threshold: float = 0.5) -> None:
        super().__init__()
        decoder, postnet = model.speecht5.decoder, model.speech_decoder_postnet
        self.prenet, self.positions = decoder.prenet, Positions(decoder.prenet.encode_positions)
        self.layers = decoder.wrapped_decoder.layers
        self.feat_out, self.prob_out = postnet.feat_out, postnet.prob_out
        self.bands, self.threshold = model.config.num_mel_bins, threshold
        self.kept = model.config.speech_decoder_prenet_dropout  # the share that stays: the original has it so
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
        """Say the next frames.

        :param keys: (batch, tokens, layers * channels), and ``values`` likewise; ``mask`` (batch, tokens).
        :param speaker: (batch, features), of length 1.
        :param previous: (batch, bands) the frame said last; zeros before the first.
        :param number: (batch, 1) of this step, from 0.
        :param cache: (batch, steps, layers * 2 * channels) keys and values of the steps before.
        :param dropout: (batch, layers of the prenet * units), uniform from 0 to 1.
        :returns: frames, (batch, frames a step, bands), stop, (batch, 1), attention, (batch, tokens), and what the next step takes.
        """
        x = previous
        for layer, drawn in zip(
            self.prenet.layers, dropout.unflatten(-1, (len(self.prenet.layers), -1)).unbind(1), strict=True
        ):
            x = torch.where(drawn < self.kept, functional.relu(layer(x)), 0.0) / (1 - self.kept)
        x = self.prenet.final_layer(x) + self.positions(number[:, 0])
        x = functional.relu(self.prenet.speaker_embeds_layer(torch.cat([x, speaker], -1))).unsqueeze(1)
        left, seen, size = [], [], self.channels
        for place, layer in enumerate(self.layers):
            own = layer.self_attn
            left.append(torch.cat([own.k_proj(x), own.v_proj(x)], -1))
            past = torch.cat([cache[..., 2 * place * size : 2 * (place + 1) * size], left[-1]], 1)
            made, _ = attended(own.q_proj(x) * own.scaling, past[..., :size], past[..., size:], own.num_heads)
            x = layer.self_attn_layer_norm(x + own.out_proj(made))
            across, part = layer.encoder_attn, slice(place * size, (place + 1) * size)
            made, weights = attended(
                across.q_proj(x) * across.scaling, keys[..., part], values[..., part], across.num_heads, hidden(mask)
            )
            seen.append(weights[:, :, 0].mean(1))
            x = layer.encoder_attn_layer_norm(x + across.out_proj(made))
            x = layer.final_layer_norm(x + layer.feed_forward(x))
        frames = self.feat_out(x[:, 0]).unflatten(-1, (-1, self.bands))
        stop = torch.sigmoid(self.prob_out(x[:, 0])).sum(-1, keepdim=True) - self.threshold
        attention = torch.stack(seen).mean(0)
        return frames, stop, attention, frames[:, -1], number + 1, torch.cat([cache, torch.cat(left, -1)], 1)


class Postnet(nn.Module):
    """``frames`` (batch, frames, bands) to ``mel`` likewise.

    :param postnet: a ``SpeechT5SpeechDecoderPostnet``.
    """

    def __init__(self, postnet: nn.Module) -> None:
        super().__init__()
        self.layers = postnet.layers

    def forward(self, frames: Tensor) -> Tensor:
        x = frames.transpose(1, 2)
        for layer in self.layers:
            x = layer(x)
        return frames + x.transpose(1, 2)


class Speakers(nn.Module):
    """``speaker_id`` (batch) to ``speaker`` (batch, features), of length 1.

    :param table: (speakers, features).
    """

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        self.register_buffer("table", functional.normalize(table))

    def forward(self, speaker_id: Tensor) -> Tensor:
        return self.table[speaker_id]
