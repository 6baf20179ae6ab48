"""The acoustic model of amber: text encoder, duration predictor and decoder, trained together.

Parallel, with explicit durations (as FastSpeech, Ren et al. 2019), of ConvNeXt blocks throughout. The teacher's own phone
durations are the targets, so no aligner is needed. The decoder also predicts log-f0 and voicing while it is trained, which
sharpens its harmonics; the exported network gives mels alone.
"""

from __future__ import annotations

import argparse
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

sys.path.append(str(Path(__file__).resolve().parents[2] / "voice_prism" / "training"))
from features import MELS
from fitting import fit, rate, set_rate
from layers import ConvNeXtBlock
from speech import Speech

from voxstack_text.tokens import PAUSES, PHONES, Phone, token_features
from voxstack_upsampler.positions import POSITIONS, positions

MEL_SHIFT, MEL_SCALE = 5.0, 3.0  # networks see (log-mel + 5) / 3
F0_CENTRE, F0_SCALE = 180.0, 3.0  # and 3 ln(f0 / 180 Hz)
CHANNELS = 192


class Encoder(nn.Module):
    """Token features to an encoding of each token."""

    def __init__(self, channels: int = CHANNELS, blocks: int = 4) -> None:
        super().__init__()
        kinds = (len(PHONES), 2, 2, 2, len(PAUSES) + 1, len(PAUSES) + 1)
        self.embeddings = nn.ModuleList(nn.Embedding(count, channels) for count in kinds)
        self.start = nn.Conv1d(channels, channels, 5, padding=2)
        self.blocks = nn.ModuleList(ConvNeXtBlock(channels) for _ in range(blocks))
        self.norm = nn.LayerNorm(channels)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, 6) integers and (batch, tokens) to (batch, tokens, 192)."""
        mask = mask[:, None]
        x = sum(embed(tokens[..., i]) for i, embed in enumerate(self.embeddings)).transpose(1, 2)
        x = self.start(x * mask) * mask
        for block in self.blocks:
            x = block(x, mask)
        return self.norm(x.transpose(1, 2)) * mask.transpose(1, 2)


class Durations(nn.Module):
    """Encoding to the frames that each token lasts."""

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ConvNeXtBlock(channels, widen=2) for _ in range(2))
        self.out = nn.Linear(channels, 1)

    def logarithm(self, encoded: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, 192) to ln(frames + 0.5), (batch, tokens)."""
        x = encoded.transpose(1, 2)
        for block in self.blocks:
            x = block(x, mask[:, None])
        return self.out(x.transpose(1, 2))[..., 0]

    def forward(self, encoded: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, 192) to frames, (batch, tokens), not rounded, at least 0; 0 where masked."""
        return torch.clamp(torch.exp(self.logarithm(encoded, mask)) - 0.5, min=0.0) * mask


class Decoder(nn.Module):
    """Upsampled encoding with its positions to frames; receptive field 6 x 3 = 18 frames on each side."""

    def __init__(self, channels: int = CHANNELS, blocks: int = 6) -> None:
        super().__init__()
        self.channels = channels
        self.positions = nn.Linear(len(POSITIONS), channels)
        self.blocks = nn.ModuleList(ConvNeXtBlock(channels) for _ in range(blocks))
        self.norm = nn.LayerNorm(channels)
        self.out = nn.Linear(channels, MELS + 2)

    def all(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(batch, frames, 192 + 4) to (batch, frames, 82): scaled mel, scaled log-f0, voicing logit."""
        x = frames[..., : self.channels] + self.positions(frames[..., self.channels :])
        x = x.transpose(1, 2) * mask[:, None]
        for block in self.blocks:
            x = block(x, mask[:, None])
        return self.out(self.norm(x.transpose(1, 2)))

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(batch, frames, 196) to log-mels in nats, (batch, frames, 80)."""
        return self.all(frames, mask)[..., :MELS] * MEL_SCALE - MEL_SHIFT


class Acoustic(nn.Module):
    """The three networks in one, for training."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.durations, self.decoder = Encoder(), Durations(), Decoder()


@dataclass
class Example:
    """One utterance as the model sees it."""

    tokens: np.ndarray  # (tokens, 6)
    durations: np.ndarray  # (tokens,)
    index: np.ndarray  # (frames,) token of each frame
    positions: np.ndarray  # (frames, 4)
    target: np.ndarray  # (frames, 82)


def examples(speech: Speech) -> list[Example]:
    """Examples of all utterances, shortest first."""
    made = [example(speech, i) for i in range(len(speech))]
    return sorted(made, key=lambda e: len(e.index))


def example(speech: Speech, index: int) -> Example:
    """One utterance's inputs and targets."""
    labels, span = speech.labels[index], speech.span(index)
    phones = [Phone(name, stress, word if start else "") for name, stress, start, word in labels["phones"]]
    text = labels["text"].strip()
    durations = np.asarray(labels["durations"])
    f0 = speech.f0[span]
    voiced = f0 > 0
    pitch = np.log(np.maximum(f0, 1.0) / F0_CENTRE)
    pitch = np.interp(np.arange(len(f0)), np.nonzero(voiced)[0], pitch[voiced]) if voiced.any() else np.zeros(len(f0))
    mel = (speech.mel[span].astype(np.float32) + MEL_SHIFT) / MEL_SCALE
    target = np.concatenate([mel, F0_SCALE * pitch[:, None], voiced[:, None]], 1).astype(np.float32)
    tokens = token_features(phones, text[-1] if text[-1] in "?!" else ".")
    return Example(tokens, durations, np.repeat(np.arange(len(durations)), durations), positions(durations), target)


def pad(rows: list[np.ndarray]) -> torch.Tensor:
    """Stack arrays of different lengths, zeros behind."""
    return nn.utils.rnn.pad_sequence([torch.from_numpy(np.ascontiguousarray(row)) for row in rows], batch_first=True)


def losses(model: Acoustic, batch: list[Example]) -> dict[str, torch.Tensor]:
    """Mean distances: mel (scaled), f0 where voiced, voicing, log-duration."""
    tokens, durations, target = pad([e.tokens for e in batch]), pad([e.durations for e in batch]), pad([e.target for e in batch])
    token_mask, frame_mask = (
        pad([np.ones(len(x), np.float32) for x in rows]) for rows in ([e.tokens for e in batch], [e.index for e in batch])
    )
    index, place = pad([e.index for e in batch]), pad([e.positions for e in batch])
    with torch.autocast("cpu", torch.bfloat16):
        encoded = model.encoder(tokens, token_mask)
        log_durations = model.durations.logarithm(encoded, token_mask)
        frames = torch.gather(encoded, 1, index[..., None].expand(-1, -1, encoded.shape[2]))
        made = model.decoder.all(torch.cat([frames, place.to(frames.dtype)], 2), frame_mask)
    made, log_durations = made.float(), log_durations.float()
    voiced = target[..., MELS + 1] * frame_mask
    mean = lambda value, weight: (value * weight).sum() / weight.sum().clamp(min=1)  # noqa: E731
    return {
        "mel": mean((made[..., :MELS] - target[..., :MELS]).abs().mean(-1), frame_mask),
        "f0": mean((made[..., MELS] - target[..., MELS]).abs(), voiced),
        "voicing": mean(F.binary_cross_entropy_with_logits(made[..., MELS + 1], target[..., MELS + 1], reduction="none"), frame_mask),
        "duration": mean((log_durations - torch.log(durations + 0.5)).abs(), token_mask),
    }


WEIGHTS = {"mel": 3.0, "f0": 1.0, "voicing": 0.5, "duration": 0.5}


def train(speech: Speech, validation: Speech, checkpoint: Path, steps: int, batch: int = 12) -> Acoustic:
    """Train an acoustic model, or go on with one."""
    torch.manual_seed(0)
    model, data, unseen = Acoustic(), examples(speech), examples(validation)
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=1e-2)

    def step(number: int) -> dict[str, float]:
        set_rate(optimizer, 1.5e-3 * rate(number, steps))
        start = random.Random(number).randrange(len(data) - batch)
        parts = losses(model, data[start : start + batch])
        optimizer.zero_grad()
        sum(WEIGHTS[name] * value for name, value in parts.items()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if number % 500 == 499:
            with torch.no_grad():
                print("validation:", {name: round(value.item(), 4) for name, value in losses(model, unseen).items()}, flush=True)
        return {name: value.item() for name, value in parts.items()}

    fit("acoustic", checkpoint, steps, {"model": model, "optimizer": optimizer}, step)
    return model


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=6000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    speech, validation = (Speech.load(options.work / name) for name in ("slt.npz", "slt_validation.npz"))
    train(speech, validation, options.work / "acoustic.pt", options.steps)
