"""The parts of a FastSpeech 2 with conformers in transformers, with relative attention that exports at any length."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn

from voxstack_importers.transformers.attention import merge_heads, split_heads


class RelativeAttention(nn.Module):
    """Attention with sinusoids of relative positions and two learned biases (Dai et al. 2019, arXiv:1901.02860, 3.3).

    It computes what a ``FastSpeech2ConformerAttention`` computes. That shifts a matrix by reshaping it, in ways that an
    export fixes; here each pair of steps looks up its distance.

    :param attention: the ``FastSpeech2ConformerAttention`` that it replaces.
    """

    rates: Tensor

    def __init__(self, attention: Any) -> None:
        super().__init__()
        self.attention = attention
        size = attention.hidden_size
        self.register_buffer("rates", torch.exp(torch.arange(0, size, 2).float() * -(math.log(10000.0) / size)))

    def forward(self, hidden_states: Tensor, **_: Any) -> tuple[Tensor, None]:
        own: Any = self.attention
        steps = torch.arange(hidden_states.shape[1], device=hidden_states.device)
        query, keys, values = (
            split_heads(project(hidden_states), own.num_heads) for project in (own.linear_q, own.linear_k, own.linear_v)
        )
        distances = torch.cat([-steps.flip(0)[:-1], steps])  # from the farthest before to the farthest after
        angles = distances.float().unsqueeze(-1) * self.rates
        sinusoids = torch.stack([angles.sin(), angles.cos()], -1).flatten(-2)
        positions = split_heads(own.linear_pos(sinusoids).unsqueeze(0), own.num_heads)
        by_content = (query + own.pos_bias_u.unsqueeze(1)) @ keys.transpose(-2, -1)
        by_position = (query + own.pos_bias_v.unsqueeze(1)) @ positions.transpose(-2, -1)
        index = steps.unsqueeze(1) - steps.unsqueeze(0) + steps.shape[0] - 1
        by_position = by_position.gather(-1, index.expand(*by_position.shape[:2], -1, -1))
        weights = ((by_content + by_position) / math.sqrt(own.dim_key)).softmax(-1)
        return own.linear_out(merge_heads(weights @ values)), None


class Conformer(nn.Module):
    """(batch, steps, channels) to the same.

    :param encoder: a ``FastSpeech2ConformerEncoder``; it is copied, and the attention of the copy replaced.
    """

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.layers: Any = copy.deepcopy(encoder.conformer_layers)
        self.scale: float = encoder.pos_enc.input_scale
        for layer in self.layers:
            layer.self_attn = RelativeAttention(layer.self_attn)

    def forward(self, x: Tensor) -> Tensor:
        x = x * self.scale
        for layer in self.layers:
            x = layer(x, None, None, False)[0]
        return x


class TextEncoder(nn.Module):
    """Encodes tokens, with pitch and energy, and predicts whole frames.

    ``tokens`` (batch, tokens) to ``encoded`` (batch, tokens, channels) and ``durations`` (batch, tokens).

    :param model: a ``FastSpeech2ConformerModel``.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.embed, self.conformer = model.encoder.embed, Conformer(model.encoder)
        self.speakers = model.speaker_id_embedding if model.multispeaker_model else None
        self.pitch, self.pitch_embed = model.pitch_predictor, model.pitch_embed
        self.energy, self.energy_embed = model.energy_predictor, model.energy_embed
        self.durations, self.slowness = model.duration_predictor, float(model.config.speaking_speed)

    def forward(self, tokens: Tensor, rate: Tensor, speaker_id: Tensor | None = None) -> tuple[Tensor, Tensor]:
        x = self.conformer(self.embed(tokens))
        if self.speakers is not None:
            x = x + self.speakers(speaker_id).unsqueeze(1)
        frames = self.durations(x).float()
        frames = torch.round(frames * (self.slowness / rate).unsqueeze(-1))
        frames = torch.where(frames.sum(1, keepdim=True) == 0, torch.ones_like(frames), frames)
        return x + self.energy_embed(self.energy(x)) + self.pitch_embed(self.pitch(x)), frames


class Decoder(nn.Module):
    """``frames`` (batch, frames, channels) to ``mel`` (batch, frames, bands).

    :param model: a ``FastSpeech2ConformerModel``.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        postnet = model.speech_decoder_postnet
        self.conformer, self.feat_out = Conformer(model.decoder), postnet.feat_out
        self.postnet: Any = postnet.layers
        self.bands: int = model.config.num_mel_bins

    def forward(self, frames: Tensor) -> Tensor:
        features: Tensor = self.feat_out(self.conformer(frames))
        before = torch.unflatten(features, -1, (-1, self.bands)).flatten(1, 2)
        x = before.transpose(1, 2)
        for layer in self.postnet:
            x = layer(x)
        return before + x.transpose(1, 2)
