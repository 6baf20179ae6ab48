"""The parts of Dia in transformers: its text encoder, one step with guidance inside, and the decoder of its codec."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from voxstack_importers.transformers.causal import ProjectedHeads, Rotary
from voxstack_importers.transformers.guided_tokens import GuidedTokens

HIDDEN = torch.finfo(torch.float32).min


class TextEncoder(nn.Module):
    """Tokens of a text to the keys and values that each layer of the decoder attends to.

    :param model: a ``DiaForConditionalGeneration``.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        encoder = model.model.encoder
        self.embedding, self.norm, self.rotary = encoder.embedding, encoder.norm, Rotary(encoder.rotary_emb)
        self.layers: Any = encoder.layers
        self.projections = nn.ModuleList(ProjectedHeads(layer.self_attention) for layer in encoder.layers)
        self.across: Any = nn.ModuleList(layer.cross_attention for layer in model.model.decoder.layers)

    def forward(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """Compute keys, (batch, key heads, channels of a head, tokens), and values, with the last two axes swapped.

        :param tokens: (batch, tokens), and ``mask`` likewise, 1 for tokens, 0 for padding.
        :returns: those of each layer in turn.
        """
        x, computed = self.encode(tokens, mask), []
        padding = mask[:, None, :, None]
        for attention in self.across:
            keys, values = (
                torch.unflatten(projection(x), -1, (-1, attention.head_dim)).transpose(1, 2) * padding
                for projection in (attention.k_proj, attention.v_proj)
            )
            computed += [keys.transpose(-2, -1), values]
        return tuple(computed)

    def encode(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Compute (batch, tokens, channels)."""
        bias = torch.where(mask > 0, 0.0, HIDDEN)[:, None, None, None]
        rotation = self.rotary(torch.arange(tokens.shape[1], device=tokens.device).unsqueeze(0))
        x = self.embedding(tokens)
        for layer, projection in zip(self.layers, self.projections, strict=True):
            query, key, value = projection(layer.pre_sa_norm(x), rotation)
            query = torch.unflatten(query, 1, (key.shape[1], -1))
            weights = torch.softmax(query @ key.unsqueeze(2).transpose(-2, -1) + bias, -1)
            attended = (weights @ value.unsqueeze(2)).flatten(1, 2).transpose(1, 2).flatten(2)
            x = x + layer.self_attention.o_proj(attended)
            x = x + layer.mlp(layer.post_sa_norm(x))
        encoded: Tensor = self.norm(x)
        return encoded


class Codes(NamedTuple):
    """The special codes of the codebooks, and their delays in steps."""

    start: int
    end: int
    padding: int
    delays: Sequence[int]


class GuidedStep(nn.Module):
    """One step: a code of each codebook to the next ones, computed with the text and without it.

    The model was trained without the text by one of zeros alone. All of its tokens are encoded alike, whatever its
    length, so that what a layer attends to in it is a constant: ``without``, (layers, channels).

    :param model: a ``DiaForConditionalGeneration``.
    :param longest: steps after which speech ends in any case.
    :param heads: layer and head of each alignment head, counted from 0; by default all.
    """

    without: Tensor
    delays: Tensor
    offsets: Tensor

    def __init__(
        self,
        model: Any,
        codes: Codes,
        tokens: GuidedTokens,
        longest: int,
        heads: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        super().__init__()
        decoder = model.model.decoder
        self.embed, self.norm, self.rotary = decoder.embeddings.embed, decoder.norm, Rotary(decoder.rotary_emb)
        self.layers: Any = decoder.layers
        self.projections = nn.ModuleList(ProjectedHeads(layer.self_attention) for layer in decoder.layers)
        self.logits, self.tokens = model.logits_dense, tokens
        self.codes, self.longest, self.heads = codes, longest, heads
        self.register_buffer("delays", torch.tensor(codes.delays))
        self.register_buffer("offsets", torch.arange(len(codes.delays)) * model.config.decoder_config.vocab_size)
        self.register_buffer("without", _without_text(model))

    def forward(
        self,
        guidance_scale: Tensor,
        temperature: Tensor,
        noise: Tensor,
        row: Tensor,
        number: Tensor,
        ended: Tensor,
        mask: Tensor,
        past_mask: Tensor,
        *arrays: Tensor,
    ) -> tuple[Tensor, ...]:
        """Compute the next codes.

        :param guidance_scale: (batch), ``temperature`` (batch) and ``noise`` (batch, codebooks): see
            :class:`GuidedTokens`.
        :param row: (batch, codebooks), the codes before; ``number`` (batch, 1), how many rows came before these.
        :param ended: (batch, 1), the number of the row in which speech ended; 0 before.
        :param mask: (batch, tokens), 1 for tokens, 0 for padding; ``past_mask`` (batch, past) likewise.
        :param arrays: keys and values of the text of each layer in turn, as :class:`TextEncoder` computes them; then
            those of the past, (batch, 2, key heads, channels of a head, past) and with the last two axes swapped: with
            the text, and without it.
        :returns: ``codes`` (batch, 1, codebooks); ``stop`` (batch, 1), 1 in the last step, else -1; ``attention``
            (batch, tokens), the mean of the alignment heads, of sum 1; the next ``row``, ``number`` and ``ended``; and
            the new keys and values.
        """
        text, past = arrays[: 2 * len(self.layers)], arrays[2 * len(self.layers) :]
        x = self.embed(row + self.offsets).sum(1, keepdim=True).expand(-1, 2, -1)
        rotation = self.rotary(number)
        token_bias, past_bias = (torch.where(hides > 0, 0.0, HIDDEN)[:, None, None] for hides in (mask, past_mask))
        new, followed = [], []
        for index, layer in enumerate(self.layers):
            both = slice(2 * index, 2 * index + 2)
            heads = self.projections[index](layer.pre_sa_norm(x), rotation)
            attended, own = _attend_past(layer.self_attention, heads, past_bias, past[both])
            x = x + attended
            attended, weights = _attend_text(layer.cross_attention, layer.pre_ca_norm(x[:, :1]), token_bias, text[both])
            x = x + torch.cat([attended, self.without[index].expand_as(attended)], 1)
            x = x + layer.mlp(layer.pre_mlp_norm(x))
            new += own
            followed += self._alignment_weights(index, weights)
        logits = torch.unflatten(self.logits(self.norm(x)), -1, (len(self.codes.delays), -1))
        chosen = self.tokens(logits[:, 0], logits[:, 1], guidance_scale, temperature, noise)
        row, ended = self._delay(chosen, number + 1, ended)
        last = (ended > 0) & (number + 2 >= ended + max(self.codes.delays))
        stop = torch.where(last, 1.0, -1.0)
        attention = torch.cat(followed, 1).mean(1)
        attention = attention / attention.sum(1, keepdim=True)
        return row.unsqueeze(1), stop, attention, row, number + 1, ended, *new

    def _delay(self, chosen: Tensor, number: Tensor, ended: Tensor) -> tuple[Tensor, Tensor]:
        """Return the row of this number, and the number of that in which speech ended.

        A codebook begins later than the first by its delay, and ends later by as much.
        """
        ends = (ended == 0) & ((chosen[:, :1] == self.codes.end) | (number >= self.longest))
        ended = torch.where(ends, number, ended)
        since = torch.where(ended > 0, number - ended - self.delays, -1)
        row = torch.where(since == 0, self.codes.end, chosen)
        row = torch.where(since > 0, self.codes.padding, row)
        return torch.where(number <= self.delays, self.codes.start, row), ended

    def _alignment_weights(self, layer: int, weights: Tensor) -> list[Tensor]:
        """Return the weights of the alignment heads of a layer, (batch, heads, tokens), if it has some."""
        if self.heads is None:
            return [weights]
        chosen = [head for number, head in self.heads if number == layer]
        return [weights[:, chosen]] if chosen else []


def _attend_past(
    attention: Any, heads: Sequence[Tensor], bias: Tensor, past: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """Return what a step attends to in itself and before, (batch, 2, channels), and its own keys and values.

    :param heads: its queries, keys and values, each (batch, heads, 2, channels of a head).
    """
    query, key, value = (part.transpose(1, 2) for part in heads)
    query = torch.unflatten(query, 2, (key.shape[2], -1))
    key, value = key.unsqueeze(-1), value.unsqueeze(-2)
    scores = torch.cat([query @ past[0] + bias.unsqueeze(1), query @ key], -1)
    weights = torch.softmax(scores, -1)
    attended = weights[..., :-1] @ past[1] + weights[..., -1:] * value
    projected: Tensor = attention.o_proj(attended.flatten(2))
    return projected, [key, value]


def _attend_text(attention: Any, x: Tensor, bias: Tensor, text: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return what a step attends to in the text, (batch, 1, channels), and the weights, (batch, heads, tokens)."""
    keys, values = text
    query = torch.unflatten(attention.q_proj(x[:, 0]) * attention.scaling, -1, (keys.shape[1], -1, keys.shape[2]))
    weights = torch.softmax(query @ keys + bias, -1)
    projected: Tensor = attention.o_proj((weights @ values).flatten(1).unsqueeze(1))
    return projected, weights.flatten(1, 2)


def _without_text(model: Any) -> Tensor:
    """Return what each layer attends to in a text of zeros, (layers, channels)."""
    encoder, rows = TextEncoder(model), []
    with torch.no_grad():
        arrays = encoder(torch.zeros(1, 1, dtype=torch.int64), torch.ones(1, 1))
        for attention, values in zip(encoder.across, arrays[1::2], strict=True):
            repeats = attention.num_heads // values.shape[1]
            rows.append(attention.o_proj(values[0, :, 0].repeat_interleave(repeats, 0).flatten()))
    return torch.stack(rows).detach()


class CodecDecoder(nn.Module):
    """Codes of a DAC codec (Kumar et al. 2023, arXiv:2306.06546) to samples.

    :param codec: a ``DacModel``.
    """

    def __init__(self, codec: Any) -> None:
        super().__init__()
        self.decoder = codec.decoder
        self.quantizers: Any = codec.quantizer.quantizers

    def forward(self, codes: Tensor) -> Tensor:
        """Compute (batch, samples) from (batch, frames, codebooks)."""
        first, *others = (
            quantizer.out_proj(quantizer.codebook(codes[..., number]).transpose(1, 2))
            for number, quantizer in enumerate(self.quantizers)
        )
        samples: Tensor = self.decoder(sum(others, first))[:, 0]
        return samples
