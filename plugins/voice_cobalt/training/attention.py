"""The acoustic model of cobalt: a text encoder, an autoregressive decoder with attention over it, and a refiner.

The decoder says four frames a step and hears them again in the next one, as Tacotron does (Wang et al. 2017, with its reduction
factor), but is made of causal convolutions (as Deep Voice 3, Ping et al. 2018), so that training is parallel over time and
what one step leaves to the next has a fixed size. Attention is one head of scaled dot products, to which a bias for the distance
from the token that was attended last is added (as in location-relative attention, Battenberg et al. 2020), and it is
taught: the teacher's own phone ends say where it should look. Behind the decoder a refiner that sees both sides sharpens
the frames, as Tacotron 2's postnet (Shen et al. 2018); it hears more of the decoder than the decoder does, 48 channels a frame.

That the decoder hears its own frames in use, and not the teacher's, is trained for by noise, by dropout, and by frames of a
first pass in place of the teacher's (scheduled sampling in two passes, Mihaylova and Martins 2019).
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

sys.path += [str(Path(__file__).resolve().parents[2] / voice / "training") for voice in ("voice_prism", "voice_amber")]
from acoustic import Encoder, pad
from features import FLOOR, MELS
from fitting import fit, rate, set_rate, weights
from layers import Trunk
from published import take
from speech import Speech

from voxstack_text.tokens import Phone, token_features

GROUP = 4  # frames a step
HIDDEN = 48  # channels that a frame has beside its bands, for the refiner alone
NEAREST, FARTHEST = -3, 8  # distances in tokens that the attention tells apart
SCALE = 3.0  # networks see (log-mel - ln 1e-4) / 3, so that zero is silence
ENCODED, CHANNELS, KERNEL = 192, 160, 5
HIDDEN_TOKEN = -1e4  # score of a token that must not be attended


class CausalBlock(nn.Module):
    """A ConvNeXt block (Liu et al. 2022) in one dimension that sees the past alone."""

    def __init__(self, channels: int, widen: int = 2) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(channels, channels, KERNEL, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.expand = nn.Linear(channels, channels * widen)
        self.shrink = nn.Linear(channels * widen, channels)
        self.scale = nn.Parameter(torch.full((channels,), 0.2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, steps, channels) to the same."""
        seen = F.pad(x.transpose(1, 2), (KERNEL - 1, 0))
        return x + self._rest(self.depthwise(seen).transpose(1, 2))

    def step(self, x: torch.Tensor, past: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """One step, (batch, channels), with the 4 inputs before it, (batch, 4, channels); returns the same of the next step."""
        seen = torch.cat([past, x[:, None]], 1)
        y = (seen * self.depthwise.weight[:, 0].T).sum(1) + self.depthwise.bias
        return x + self._rest(y), seen[:, 1:]

    def _rest(self, y: torch.Tensor) -> torch.Tensor:
        return self.shrink(F.gelu(self.expand(self.norm(y)), approximate="tanh")) * self.scale


class Memory(nn.Module):
    """Token features to what the decoder attends to."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder(ENCODED, blocks=2)
        self.keys, self.values = nn.Linear(ENCODED, CHANNELS), nn.Linear(ENCODED, CHANNELS)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(batch, tokens, 6) integers and (batch, tokens) to keys and values, (batch, tokens, 160) each."""
        encoded = self.encoder(tokens, mask)
        return self.keys(encoded) * mask[..., None], self.values(encoded) * mask[..., None]


class Decoder(nn.Module):
    """Keys, values and the frames said last to the next four frames."""

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
        """Vectors that one step leaves to the next."""
        return (KERNEL - 1) * (len(self.query_blocks) + len(self.blocks))

    def forward(
        self,
        keys: torch.Tensor,
        values: torch.Tensor,
        mask: torch.Tensor,
        previous: torch.Tensor,
        position: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """All steps at once.

        :param previous: (batch, steps, 4, 80) scaled frames before each step.
        :param position: (batch, steps) token that was attended most in the step before.
        :returns: frames, (batch, steps, 4, 80 + 48), logits of the end, (batch, steps), and log-attention, (batch, steps, tokens).
        """
        heard = F.dropout(previous.flatten(2), 0.1, self.training)
        heard = self.heard_out(F.dropout(F.relu(self.heard(heard)), 0.4, self.training))
        x = heard + self.place(torch.gather(values, 1, position[..., None].expand(-1, -1, CHANNELS)))
        for block in self.query_blocks:
            x = block(x)
        x = self.query_norm(x)
        scores = (self.query(x) @ keys.transpose(1, 2)).float() / math.sqrt(CHANNELS)
        away = (torch.arange(keys.shape[1]) - position[..., None]).clamp(NEAREST, FARTHEST) - NEAREST
        scores = scores + torch.gather(self.near(x).float(), 2, away)
        attention = F.log_softmax(scores.masked_fill(mask[:, None] == 0, HIDDEN_TOKEN), -1)
        x = self.mix(torch.cat([attention.exp().to(values.dtype) @ values, x], -1))
        for block in self.blocks:
            x = block(x)
        made = self.out(self.norm(x)).float()
        return made[..., :-1].unflatten(-1, (GROUP, MELS + HIDDEN)), made[..., -1], attention


class Step(nn.Module):
    """One step of a :class:`Decoder`, with what it remembers as inputs and outputs."""

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
        """Say the next four frames.

        :param keys: (batch, tokens, 160), and ``values`` likewise.
        :param mask: (batch, tokens) 1 where a token may be attended.
        :param previous: (batch, 4, 80) scaled frames said last; zeros before the first.
        :param position: (batch, 1) int64, the token attended most in the step before.
        :param history: (batch, 28, 160) what the convolutions remember.
        :returns: frames, (batch, 4, 128), stop logit, (batch, 1), attention, (batch, tokens), and the three for the next step.
        """
        own = self.decoder
        heard = own.heard_out(F.relu(own.heard(previous.flatten(1))))
        x = heard + own.place(torch.gather(values, 1, position[..., None].expand(-1, -1, values.shape[2]))[:, 0])
        past = history.split(KERNEL - 1, 1)
        left = []
        for block, inputs in zip(own.query_blocks, past, strict=False):
            x, rest = block.step(x, inputs)
            left.append(rest)
        x = own.query_norm(x)
        scores = (keys @ own.query(x)[..., None])[..., 0] / math.sqrt(CHANNELS)
        away = (torch.arange(keys.shape[1]) - position).clamp(NEAREST, FARTHEST) - NEAREST
        scores = scores + torch.gather(own.near(x), 1, away)
        attention = F.softmax(scores.masked_fill(mask == 0, HIDDEN_TOKEN), -1)
        x = own.mix(torch.cat([(attention[:, None] @ values)[:, 0], x], -1))
        for block, inputs in zip(own.blocks, past[len(own.query_blocks) :], strict=True):
            x, rest = block.step(x, inputs)
            left.append(rest)
        made = own.out(own.norm(x))
        frames = made[:, :-1].unflatten(1, (GROUP, MELS + HIDDEN))
        return (
            frames,
            made[:, -1:],
            attention,
            frames[..., :MELS],
            attention.argmax(-1, keepdim=True),
            torch.cat(left, 1),
        )


class Refiner(nn.Module):
    """Frames of the decoder to log-mels; receptive field 3 + 4 x 3 = 15 frames on each side."""

    def __init__(self, channels: int = 128) -> None:
        super().__init__()
        self.trunk = Trunk(MELS + HIDDEN, channels, blocks=4)
        self.out = nn.Linear(channels, MELS)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(batch, frames, 128) and (batch, frames) to log-mels in nats, (batch, frames, 80)."""
        more = self.out(self.trunk(frames.transpose(1, 2), mask[:, None]))
        return (frames[..., :MELS] + more) * SCALE + math.log(FLOOR)


class Acoustic(nn.Module):
    """The three networks in one, for training."""

    def __init__(self) -> None:
        super().__init__()
        self.memory, self.decoder, self.refiner = Memory(), Decoder(), Refiner()


@dataclass
class Example:
    """One utterance as the model sees it."""

    tokens: np.ndarray  # (tokens, 6)
    frames: np.ndarray  # (steps, 4, 80) scaled
    index: np.ndarray  # (steps, 4) token of each frame
    attended: np.ndarray  # (steps,) token to which most of a step's frames belong


def examples(speech: Speech) -> list[Example]:
    """Examples of all utterances, shortest first."""
    return sorted((example(speech, index) for index in range(len(speech))), key=lambda e: len(e.frames))


def example(speech: Speech, index: int) -> Example:
    """One utterance's inputs and targets; the last step is filled up with silence."""
    labels = speech.labels[index]
    phones = [Phone(name, stress, word if start else "") for name, stress, start, word in labels["phones"]]
    text = labels["text"].strip()
    tokens = token_features(phones, text[-1] if text[-1] in "?!" else ".")
    durations = np.asarray(labels["durations"])
    mel = (speech.mel[speech.span(index)].astype(np.float32) - math.log(FLOOR)) / SCALE
    steps = -(-len(mel) // GROUP)
    frames = np.zeros((steps * GROUP, MELS), np.float32)
    frames[: len(mel)] = mel
    token = np.full(steps * GROUP, len(durations) - 1)
    token[: len(mel)] = np.repeat(np.arange(len(durations)), durations)
    token = token.reshape(steps, GROUP)
    shares = np.array([np.bincount(row - row[0]).argmax() + row[0] for row in token])
    return Example(tokens, frames.reshape(steps, GROUP, MELS), token, shares)


def losses(model: Acoustic, batch: list[Example], own: float = 0.0, noise: float = 0.0) -> dict[str, torch.Tensor]:
    """Mean distances of frames before and behind the refiner (scaled), attention (nats), end; and how often attention is right.

    :param own: share of steps that hear the model's own frames in place of the teacher's.
    :param noise: standard deviation of noise on the frames that are heard.
    """
    tokens, frames, attended = (pad([getattr(e, name) for e in batch]) for name in ("tokens", "frames", "attended"))
    token_mask = pad([np.ones(len(e.tokens), np.float32) for e in batch])
    step_mask = pad([np.ones(len(e.frames), np.float32) for e in batch])
    wanted = F.one_hot(pad([e.index for e in batch]), tokens.shape[1]).float().mean(2)
    ends = step_mask - F.pad(step_mask, (0, 1))[:, 1:]
    previous, position = frames.roll(1, 1), attended.roll(1, 1)
    previous[:, 0], position[:, 0] = 0, 0
    if model.training:  # the target stays right, so that the model learns to find back
        slip = torch.rand(position.shape)
        position = torch.clamp(position + (slip < 0.07).long() - (slip > 0.93).long(), min=0)
        position = torch.minimum(position, token_mask.sum(1, keepdim=True).long() - 1)
    with torch.autocast("cpu", torch.bfloat16):
        keys, values = model.memory(tokens, token_mask)
        if own > 0:
            with torch.no_grad():
                said = model.decoder(keys, values, token_mask, previous, position)[0][..., :MELS].roll(1, 1)
            said[:, 0] = 0
            previous = torch.where((torch.rand(position.shape) < own)[..., None, None], said, previous)
        if noise > 0:
            previous = previous + noise * torch.randn_like(previous)
        made, stop, attention = model.decoder(keys, values, token_mask, previous, position)
        frame_mask = step_mask.repeat_interleave(GROUP, 1)
        refined = model.refiner(made.flatten(1, 2), frame_mask)
    mean = lambda value: (value * step_mask).sum() / step_mask.sum()  # noqa: E731
    refined = (refined.float() - math.log(FLOOR)) / SCALE
    fine = (refined.unflatten(1, (-1, GROUP)) - frames).abs().mean((2, 3))
    far = F.binary_cross_entropy_with_logits(stop, ends, reduction="none", pos_weight=torch.tensor(4.0))
    return {
        "coarse": mean((made[..., :MELS] - frames).abs().mean((2, 3))),
        "mel": mean(fine),
        "attention": mean(-(wanted * attention).sum(-1)),
        "stop": mean(far),
        "right": mean((attention.argmax(-1) == attended).float()),
    }


WEIGHTS = {"coarse": 2.0, "mel": 3.0, "attention": 1.0, "stop": 0.5}


def sampled(number: int, steps: int) -> float:
    """Share of steps that hear the model's own frames: none in the first fifth of a run, a half from its middle on."""
    return 0.5 * min(1.0, max(0.0, (number / steps - 0.2) / 0.3))


def train(
    speech: Speech, validation: Speech, checkpoint: Path, steps: int, start: Path | None = None, batch: int = 16
) -> Acoustic:
    """Train a model, or go on with one.

    :param start: checkpoint of amber's acoustic model, whose text encoder this one's begins with, as far as it goes.
    """
    torch.manual_seed(0)
    model, data, unseen = Acoustic(), examples(speech), examples(validation)
    if start is not None:
        lent = {name: value for name, value in weights(start, "model").items() if name.startswith("encoder.")}
        print(
            "of the encoder begun anew:",
            ", ".join(n for n in take(model.memory, lent) if n.startswith("encoder.")) or "nothing",
        )
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=1e-2)

    def step(number: int) -> dict[str, float]:
        torch.manual_seed(number)
        set_rate(optimizer, 1.5e-3 * rate(number, steps))
        first = random.Random(number).randrange(len(data) - batch)
        parts = losses(model, data[first : first + batch], sampled(number, steps), 0.1)
        optimizer.zero_grad()
        sum(weight * parts[name] for name, weight in WEIGHTS.items()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if number % 500 == 499:
            model.eval()
            with torch.no_grad():
                print(
                    "validation:",
                    {name: round(value.item(), 4) for name, value in losses(model, unseen).items()},
                    flush=True,
                )
            model.train()
        return {name: value.item() for name, value in parts.items()}

    fit("attention", checkpoint, steps, {"model": model, "optimizer": optimizer}, step)
    return model


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--start", type=Path, help="checkpoint of amber's acoustic model, for the text encoder")
    options = parser.parse_args()
    torch.set_num_threads(1)
    speech, validation = (Speech.load(options.work / name) for name in ("rms.npz", "rms_validation.npz"))
    train(speech, validation, options.work / "attention.pt", options.steps, options.start)
