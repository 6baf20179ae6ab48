"""The acoustic model of amber: text encoder, predictors of durations, pitch and level, and decoder, trained together.

Parallel, with explicit durations, pitch and energy (as FastSpeech 2, Ren et al. 2021, with one value a phone as in FastPitch,
Lancucki 2021), of ConvNeXt blocks throughout. The teacher's own phone durations and pitch are the targets, so neither aligner
nor pitch tracker is needed. Pitch and level are learned from utterances of the usual delivery alone, all else from all, so that
the decoder follows the pitch and the level that it is given. While it is trained it also predicts log-f0 and voicing of each
frame, which sharpens its harmonics; the exported network gives mels alone.
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

sys.path.append(str(Path(__file__).resolve().parents[2] / "voice_prism" / "training"))
from delivery import usual
from features import FLOOR, MELS
from fitting import fit, rate, set_rate, weights
from layers import ConvNeXtBlock
from published import take
from speech import Speech

from voxstack_text.tokens import PAUSES, PHONES, Phone, token_features
from voxstack_upsampler.positions import POSITIONS, Contours, positions

CONTOURS = ("lf0", "level")  # ln(f0 / 1 Hz) and dB of each token; drawn over frames behind the positions
MEL_SHIFT, MEL_SCALE = 5.0, 3.0  # networks see (log-mel + 5) / 3
F0_CENTRE, F0_SCALE = 180.0, 3.0  # and 3 ln(f0 / 180 Hz)
LEVEL_CENTRE, LEVEL_SCALE = -40.0, 20.0  # and (level + 40 dB) / 20 dB
LOWEST, HIGHEST, PITCHES = 70.0, 420.0, 24  # Hz: range and count of the pitches that the decoder compares with
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


class Prosody(nn.Module):
    """Encoding to pitch and level of each token."""

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ConvNeXtBlock(channels, widen=2) for _ in range(2))
        self.out = nn.Linear(channels, 2)

    def scaled(self, encoded: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, 192) to scaled pitch and level, (batch, tokens, 2)."""
        x = encoded.transpose(1, 2) * mask[:, None]
        for block in self.blocks:
            x = block(x, mask[:, None])
        return self.out(x.transpose(1, 2))

    def forward(self, encoded: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(batch, tokens, 192) to ln(f0 / 1 Hz) and level in dB, (batch, tokens) each; where a token is voiceless, the first is what
        a line from its neighbours would have there; both 0 where masked."""
        x = self.scaled(encoded, mask)
        return (x[..., 0] / F0_SCALE + math.log(F0_CENTRE)) * mask, (x[..., 1] * LEVEL_SCALE + LEVEL_CENTRE) * mask


class Decoder(nn.Module):
    """Upsampled encoding with its positions, lf0 and level to frames; receptive field 6 x 3 = 18 frames on each side."""

    def __init__(self, channels: int = CHANNELS, blocks: int = 6) -> None:
        super().__init__()
        self.channels = channels
        self.positions = nn.Linear(len(POSITIONS) + len(CONTOURS) + PITCHES, channels)
        self.blocks = nn.ModuleList(ConvNeXtBlock(channels) for _ in range(blocks))
        self.norm = nn.LayerNorm(channels)
        self.out = nn.Linear(channels, MELS + 2)

    def all(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(batch, frames, 192 + 4 + 2) to (batch, frames, 82): scaled mel, scaled log-f0, voicing logit.

        A frame's f0 is told by its logarithm and by its nearness to each of 24 pitches (Gaussians over the logarithm), since
        where harmonics fall among the bands does not change in a line with it.
        """
        place = frames[..., self.channels : self.channels + len(POSITIONS)]
        pitch = frames[..., -2:-1] - math.log(F0_CENTRE)
        level = (frames[..., -1:] - LEVEL_CENTRE) / LEVEL_SCALE
        centres = torch.linspace(
            math.log(LOWEST / F0_CENTRE), math.log(HIGHEST / F0_CENTRE), PITCHES, device=frames.device
        )
        near = torch.exp(-0.5 * ((pitch - centres) / (centres[1] - centres[0])) ** 2)
        x = frames[..., : self.channels] + self.positions(torch.cat([place, F0_SCALE * pitch, level, near], -1))
        x = x.transpose(1, 2) * mask[:, None]
        for block in self.blocks:
            x = block(x, mask[:, None])
        return self.out(self.norm(x.transpose(1, 2)))

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(batch, frames, 198) to log-mels in nats, (batch, frames, 80)."""
        return self.all(frames, mask)[..., :MELS] * MEL_SCALE - MEL_SHIFT


class Acoustic(nn.Module):
    """The four networks in one, for training."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.durations, self.prosody, self.decoder = Encoder(), Durations(), Prosody(), Decoder()


@dataclass
class Example:
    """One utterance as the model sees it."""

    tokens: np.ndarray  # (tokens, 6)
    durations: np.ndarray  # (tokens,) frames
    lengths: np.ndarray  # (tokens,) frames that each would last at the usual pace
    prosody: np.ndarray  # (tokens, 2) ln(f0 / 1 Hz) and level in dB
    usual: bool  # whether its prosody is what to predict
    index: np.ndarray  # (frames,) token of each frame
    places: np.ndarray  # (frames, 6) positions, lf0 and level
    target: np.ndarray  # (frames, 82)


def examples(speech: Speech) -> list[Example]:
    """Examples of all utterances, shortest first; every second one of an unusual delivery has levels that vary by word."""
    draw = random.Random(0)
    made = []
    for index in range(len(speech)):
        varied = not speech.labels[index]["delivery"]["usual"] and draw.random() < 0.5
        made.append(example(speech, index, draw if varied else None))
    return sorted(made, key=lambda e: len(e.index))


def example(speech: Speech, index: int, levels: random.Random | None = None) -> Example:
    """One utterance's inputs and targets.

    :param levels: draws a change of level for each word, of 8 dB at most, which the mels follow.
    """
    labels, span = speech.labels[index], speech.span(index)
    phones = [Phone(name, stress, word if start else "") for name, stress, start, word in labels["phones"]]
    text = labels["text"].strip()
    durations = np.asarray(labels["durations"])
    f0 = speech.f0[span]
    voiced = f0 > 0
    pitch = np.log(np.maximum(f0, 1.0) / F0_CENTRE)
    pitch = np.interp(np.arange(len(f0)), np.nonzero(voiced)[0], pitch[voiced]) if voiced.any() else np.zeros(len(f0))
    mel = speech.mel[span].astype(np.float32)
    ends = np.cumsum(durations)
    if levels is not None:
        change = np.cumsum([bool(phone.word) for phone in phones])
        by_word = np.array([levels.uniform(-8, 8) for _ in range(change[-1] + 1)])
        gain = Contours(by_word[change][:, None], ends).frames(0, len(mel))
        mel = np.maximum(mel + gain * np.log(10) / 20, np.log(FLOOR)).astype(np.float32)
    prosody = np.stack([math.log(F0_CENTRE) + _of_tokens(pitch, ends), _of_tokens(level_of(mel), ends)], 1).astype(
        np.float32
    )
    target = np.concatenate([(mel + MEL_SHIFT) / MEL_SCALE, F0_SCALE * pitch[:, None], voiced[:, None]], 1).astype(
        np.float32
    )
    tokens = token_features(phones, text[-1] if text[-1] in "?!" else ".")
    places = np.concatenate([positions(durations), Contours(prosody, ends).frames(0, len(mel))], 1)
    delivery = labels["delivery"]
    lengths = (durations * usual(text).stretch / delivery["stretch"]).astype(np.float32)
    return Example(
        tokens,
        durations,
        lengths,
        prosody,
        delivery["usual"],
        np.repeat(np.arange(len(durations)), durations),
        places,
        target,
    )


def level_of(mel: np.ndarray) -> np.ndarray:
    """Level of each frame of log-mels, (frames, 80) in nats, in dB: of the mean of its bands' magnitudes."""
    return 20 * np.log10(np.exp(mel).mean(1))


def _of_tokens(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Mean of ``values``, (frames,), over each token; a token of no frames has what stands where it would."""
    starts = np.concatenate([[0], ends[:-1]])
    return np.array([values[min(a, len(values) - 1) : max(b, a + 1)].mean() for a, b in zip(starts, ends, strict=True)])


def pad(rows: list[np.ndarray]) -> torch.Tensor:
    """Stack arrays of different lengths, zeros behind."""
    return nn.utils.rnn.pad_sequence([torch.from_numpy(np.ascontiguousarray(row)) for row in rows], batch_first=True)


def losses(model: Acoustic, batch: list[Example]) -> dict[str, torch.Tensor]:
    """Mean distances: mel (scaled), f0 where voiced, voicing, log-duration at the usual pace; scaled pitch and level where the
    delivery is usual."""
    tokens, lengths, target = (
        pad([e.tokens for e in batch]),
        pad([e.lengths for e in batch]),
        pad([e.target for e in batch]),
    )
    token_mask, frame_mask = (
        pad([np.ones(len(x), np.float32) for x in rows])
        for rows in ([e.tokens for e in batch], [e.index for e in batch])
    )
    index, place, prosody = (
        pad([e.index for e in batch]),
        pad([e.places for e in batch]),
        pad([e.prosody for e in batch]),
    )
    learned = token_mask * torch.tensor([e.usual for e in batch])[:, None]
    with torch.autocast("cpu", torch.bfloat16):
        encoded = model.encoder(tokens, token_mask)
        log_durations = model.durations.logarithm(encoded, token_mask)
        predicted = model.prosody.scaled(encoded, token_mask)
        frames = torch.gather(encoded, 1, index[..., None].expand(-1, -1, encoded.shape[2]))
        made = model.decoder.all(torch.cat([frames.float(), place], 2), frame_mask)
    made, log_durations, predicted = made.float(), log_durations.float(), predicted.float()
    pitch = F0_SCALE * (prosody[..., 0] - math.log(F0_CENTRE))
    level = (prosody[..., 1] - LEVEL_CENTRE) / LEVEL_SCALE
    voiced = target[..., MELS + 1] * frame_mask
    mean = lambda value, weight: (value * weight).sum() / weight.sum().clamp(min=1)  # noqa: E731
    return {
        "mel": mean((made[..., :MELS] - target[..., :MELS]).abs().mean(-1), frame_mask),
        "f0": mean((made[..., MELS] - target[..., MELS]).abs(), voiced),
        "voicing": mean(
            F.binary_cross_entropy_with_logits(made[..., MELS + 1], target[..., MELS + 1], reduction="none"), frame_mask
        ),
        "duration": mean((log_durations - torch.log(lengths + 0.5)).abs(), token_mask),
        "pitch": mean((predicted[..., 0] - pitch).abs(), learned),
        "level": mean((predicted[..., 1] - level).abs(), learned),
    }


WEIGHTS = {"mel": 3.0, "f0": 1.0, "voicing": 0.5, "duration": 0.5, "pitch": 1.0, "level": 0.5}


def train(
    speech: Speech, validation: Speech, checkpoint: Path, steps: int, start: Path | None = None, batch: int = 12
) -> Acoustic:
    """Train an acoustic model, or go on with one; ``start`` is a checkpoint whose weights it begins with, as far as they fit."""
    torch.manual_seed(0)
    model, data, unseen = Acoustic(), examples(speech), examples(validation)
    if start is not None:
        print(
            "not in", start, "and begun anew:", ", ".join(take(model, weights(start, "model"))) or "nothing", flush=True
        )
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=1e-2)

    def step(number: int) -> dict[str, float]:
        set_rate(optimizer, 1.5e-3 * rate(number, steps))
        first = random.Random(number).randrange(len(data) - batch)
        parts = losses(model, data[first : first + batch])
        optimizer.zero_grad()
        sum(WEIGHTS[name] * value for name, value in parts.items()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if number % 500 == 499:
            with torch.no_grad():
                print(
                    "validation:",
                    {name: round(value.item(), 4) for name, value in losses(model, unseen).items()},
                    flush=True,
                )
        return {name: value.item() for name, value in parts.items()}

    fit("acoustic", checkpoint, steps, {"model": model, "optimizer": optimizer}, step)
    return model


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--start", type=Path, help="checkpoint whose weights to begin with")
    options = parser.parse_args()
    torch.set_num_threads(1)
    speech, validation = (Speech.load(options.work / name) for name in ("slt.npz", "slt_validation.npz"))
    train(speech, validation, options.work / "acoustic.pt", options.steps, options.start)
