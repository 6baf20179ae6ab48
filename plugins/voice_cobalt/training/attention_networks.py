"""The networks of cobalt's acoustic model: a text encoder, an autoregressive decoder with attention, and a refiner.

The decoder predicts four frames per step and reads them again in the next one, as Tacotron does (Wang et al. 2017, with
its reduction factor). It is made of causal convolutions (as Deep Voice 3, Ping et al. 2018), so that training is
parallel over time and the state between steps has a fixed size. Attention is one head of scaled dot products, plus a
bias for the distance from the token that was attended to last (as in location-relative attention, Battenberg et al.
2020). After the decoder, a refiner with context on both sides sharpens the frames, as Tacotron 2's postnet (Shen et al.
2018) does. It reads 48 channels per frame in addition to those that the decoder reads back.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

sys.path += [str(Path(__file__).resolve().parents[2] / voice / "training") for voice in ("voice_prism", "voice_amber")]
from acoustic_networks import Encoder
from features import FLOOR, MELS
from layers import Trunk

GROUP = 4  # frames per step
HIDDEN = 48  # channels of a frame besides its bands, only for the refiner
NEAREST, FARTHEST = -3, 8  # distances in tokens that the attention distinguishes
SCALE = 3.0  # networks use (log-mel - ln 1e-4) / 3, so that zero is silence
ENCODED, CHANNELS, KERNEL = 192, 160, 5
MASKED_SCORE = -1e4  # score of a token that must not be attended to


class CausalBlock(nn.Module):
    """A causal ConvNeXt block (Liu et al. 2022) over time."""

    def __init__(self, channels: int, widen: int = 2) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(channels, channels, KERNEL, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.expand = nn.Linear(channels, channels * widen)
        self.shrink = nn.Linear(channels * widen, channels)
        self.scale = nn.Parameter(torch.full((channels,), 0.2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (batch, steps, channels) to the same shape."""
        padded = F.pad(x.transpose(1, 2), (KERNEL - 1, 0))
        return x + self._pointwise(self.depthwise(padded).transpose(1, 2))

    def step(self, x: torch.Tensor, past: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Map one step.

        :param x: (batch, channels).
        :param past: the 4 inputs before it, (batch, 4, channels).
        :returns: the output, (batch, channels), and the past of the next step.
        """
        window = torch.cat([past, x[:, None]], 1)
        y = (window * self.depthwise.weight[:, 0].T).sum(1) + self.depthwise.bias
        return x + self._pointwise(y), window[:, 1:]

    def _pointwise(self, y: torch.Tensor) -> torch.Tensor:
        return self.shrink(F.gelu(self.expand(self.norm(y)), approximate="tanh")) * self.scale


class Memory(nn.Module):
    """Maps token features to the keys and values that the decoder attends to."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder(ENCODED, blocks=2)
        self.keys, self.values = nn.Linear(ENCODED, CHANNELS), nn.Linear(ENCODED, CHANNELS)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return keys and values, (batch, tokens, 160) each.

        :param tokens: (batch, tokens, 6) integers.
        :param mask: (batch, tokens).
        """
        encoded = self.encoder(tokens, mask)
        return self.keys(encoded) * mask[..., None], self.values(encoded) * mask[..., None]


class Decoder(nn.Module):
    """Maps keys, values and the previous frames to the next four frames."""

    def __init__(self, queries: int = 3, blocks: int = 4) -> None:
        super().__init__()
        self.heard, self.heard_out = nn.Linear(GROUP * MELS, 128), nn.Linear(128, CHANNELS)
        self.place = nn.Linear(CHANNELS, CHANNELS)
        self.query_blocks = nn.ModuleList(CausalBlock(CHANNELS) for _ in range(queries))
        self.query_norm = nn.LayerNorm(CHANNELS)
        self.query, self.near = nn.Linear(CHANNELS, CHANNELS), nn.Linear(CHANNELS, FARTHEST - NEAREST + 1)
        self.mix = nn.Linear(2 * CHANNELS, CHANNELS)
        self.blocks = nn.ModuleList(CausalBlock(CHANNELS) for _ in range(blocks))
        self.norm = nn.LayerNorm(CHANNELS)
        self.out = nn.Linear(CHANNELS, GROUP * (MELS + HIDDEN) + 1)

    @property
    def history(self) -> int:
        """Number of vectors that one step passes to the next."""
        return (KERNEL - 1) * (len(self.query_blocks) + len(self.blocks))

    def forward(
        self,
        keys: torch.Tensor,
        values: torch.Tensor,
        mask: torch.Tensor,
        previous: torch.Tensor,
        position: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Compute all steps at once.

        :param keys: (batch, tokens, 160), and ``values`` likewise.
        :param mask: (batch, tokens), 1 where a token may be attended to.
        :param previous: (batch, steps, 4, 80), the scaled frames before each step.
        :param position: (batch, steps), the token with the most attention in the step before.
        :returns: frames, (batch, steps, 4, 80 + 48); logits of the end, (batch, steps); and log-attention,
            (batch, steps, tokens).
        """
        heard = F.dropout(previous.flatten(2), 0.1, self.training)
        heard = self.heard_out(F.dropout(F.relu(self.heard(heard)), 0.4, self.training))
        x = heard + self.place(torch.gather(values, 1, position[..., None].expand(-1, -1, CHANNELS)))
        for block in self.query_blocks:
            x = block(x)
        x = self.query_norm(x)
        scores = (self.query(x) @ keys.transpose(1, 2)).float() / math.sqrt(CHANNELS)
        distance = (torch.arange(keys.shape[1]) - position[..., None]).clamp(NEAREST, FARTHEST) - NEAREST
        scores = scores + torch.gather(self.near(x).float(), 2, distance)
        attention = F.log_softmax(scores.masked_fill(mask[:, None] == 0, MASKED_SCORE), -1)
        x = self.mix(torch.cat([attention.exp().to(values.dtype) @ values, x], -1))
        for block in self.blocks:
            x = block(x)
        outputs = self.out(self.norm(x)).float()
        return outputs[..., :-1].unflatten(-1, (GROUP, MELS + HIDDEN)), outputs[..., -1], attention


class Step(nn.Module):
    """One step of a :class:`Decoder`, with its states as inputs and outputs."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(
        self,
        keys: torch.Tensor,
        values: torch.Tensor,
        mask: torch.Tensor,
        previous: torch.Tensor,
        position: torch.Tensor,
        history: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        """Predict the next four frames.

        :param keys: (batch, tokens, 160), and ``values`` likewise.
        :param mask: (batch, tokens), 1 where a token may be attended to.
        :param previous: (batch, 4, 80), the previous frames, scaled; zeros before the first step.
        :param position: (batch, 1) int64, the token with the most attention in the step before.
        :param history: (batch, 28, 160), the past inputs of the convolutions.
        :returns: frames, (batch, 4, 128); stop logit, (batch, 1); attention, (batch, tokens); and the three states of
            the next step.
        """
        own = self.decoder
        heard = own.heard_out(F.relu(own.heard(previous.flatten(1))))
        x = heard + own.place(torch.gather(values, 1, position[..., None].expand(-1, -1, values.shape[2]))[:, 0])
        past = history.split(KERNEL - 1, 1)
        next_history = []
        for block, inputs in zip(own.query_blocks, past, strict=False):
            x, rest = block.step(x, inputs)
            next_history.append(rest)
        x = own.query_norm(x)
        scores = (keys @ own.query(x)[..., None])[..., 0] / math.sqrt(CHANNELS)
        distance = (torch.arange(keys.shape[1]) - position).clamp(NEAREST, FARTHEST) - NEAREST
        scores = scores + torch.gather(own.near(x), 1, distance)
        attention = F.softmax(scores.masked_fill(mask == 0, MASKED_SCORE), -1)
        x = own.mix(torch.cat([(attention[:, None] @ values)[:, 0], x], -1))
        for block, inputs in zip(own.blocks, past[len(own.query_blocks) :], strict=True):
            x, rest = block.step(x, inputs)
            next_history.append(rest)
        outputs = own.out(own.norm(x))
        frames = outputs[:, :-1].unflatten(1, (GROUP, MELS + HIDDEN))
        return (
            frames,
            outputs[:, -1:],
            attention,
            frames[..., :MELS],
            attention.argmax(-1, keepdim=True),
            torch.cat(next_history, 1),
        )


class Refiner(nn.Module):
    """Maps frames of the decoder to log-mels; its receptive field is 3 + 4 x 3 = 15 frames on each side."""

    def __init__(self, channels: int = 128) -> None:
        super().__init__()
        self.trunk = Trunk(MELS + HIDDEN, channels, blocks=4)
        self.out = nn.Linear(channels, MELS)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Map frames, (batch, frames, 128), and a mask, (batch, frames), to log-mels in nats, (batch, frames, 80)."""
        correction = self.out(self.trunk(frames.transpose(1, 2), mask[:, None]))
        return (frames[..., :MELS] + correction) * SCALE + math.log(FLOOR)


class AttentionModel(nn.Module):
    """The three networks in one, for training."""

    def __init__(self) -> None:
        super().__init__()
        self.memory, self.decoder, self.refiner = Memory(), Decoder(), Refiner()
