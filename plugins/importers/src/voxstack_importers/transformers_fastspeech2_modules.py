"""FastSpeech 2 with conformers in transformers: its parts, with relative attention that exports at any length."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn


class RelativeAttention(nn.Module):
    """Attention with sinusoids of relative positions and two learned biases (Dai et al. 2019, arXiv:1901.02860, section 3.3).

    It computes what a ``FastSpeech2ConformerAttention`` computes. That shifts a matrix by reshaping it, in ways that an export fixes;
    here each pair of steps looks up its distance.

    :param attention: a ``FastSpeech2ConformerAttention``, whose place this takes.
    """

    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.own = attention
        size = attention.hidden_size
        self.register_buffer("rates", torch.exp(torch.arange(0, size, 2).float() * -(math.log(10000.0) / size)))

    def forward(self, hidden_states: Tensor, **_: Any) -> tuple[Tensor, None]:
        own, steps = self.own, torch.arange(hidden_states.shape[1], device=hidden_states.device)
        query, keys, values = (
            self._heads(project(hidden_states)) for project in (own.linear_q, own.linear_k, own.linear_v)
        )
        both = torch.cat([-steps.flip(0)[:-1], steps])  # distances, from the farthest behind to the farthest ahead
        angles = both.float().unsqueeze(-1) * self.rates
        places = self._heads(own.linear_pos(torch.stack([angles.sin(), angles.cos()], -1).flatten(-2)).unsqueeze(0))
        by_content = (query + own.pos_bias_u.unsqueeze(1)) @ keys.transpose(-2, -1)
        by_place = (query + own.pos_bias_v.unsqueeze(1)) @ places.transpose(-2, -1)
        index = steps.unsqueeze(1) - steps.unsqueeze(0) + steps.shape[0] - 1
        scores = (by_content + by_place.gather(-1, index.expand(*by_place.shape[:2], -1, -1))) / math.sqrt(own.dim_key)
        made = scores.softmax(-1) @ values
        return own.linear_out(made.transpose(1, 2).flatten(2)), None

    def _heads(self, projected: Tensor) -> Tensor:
        return projected.unflatten(-1, (self.own.num_heads, -1)).transpose(1, 2)


class Conformer(nn.Module):
    """(batch, steps, channels) to the same.

    :param encoder: a ``FastSpeech2ConformerEncoder``; the attention of its layers is replaced.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.layers, self.scale = encoder.conformer_layers, encoder.pos_enc.input_scale
        for layer in self.layers:
            layer.self_attn = RelativeAttention(layer.self_attn)

    def forward(self, x: Tensor) -> Tensor:
        x = x * self.scale
        for layer in self.layers:
            x = layer(x, None, None, False)[0]
        return x


class TextEncoder(nn.Module):
    """``tokens`` (batch, tokens) to ``encoded`` (batch, tokens, channels), pitch and energy in it, and ``durations``, whole frames.

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
        self.conformer, self.postnet = Conformer(model.decoder), model.speech_decoder_postnet
        self.bands = model.config.num_mel_bins

    def forward(self, frames: Tensor) -> Tensor:
        before = self.postnet.feat_out(self.conformer(frames)).unflatten(-1, (-1, self.bands)).flatten(1, 2)
        x = before.transpose(1, 2)
        for layer in self.postnet.layers:
            x = layer(x)
        return before + x.transpose(1, 2)
