"""The networks of amber's acoustic model: text encoder, predictors of durations, pitch and level, and decoder."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import torch
from torch import nn

sys.path.append(str(Path(__file__).resolve().parents[2] / "voice_prism" / "training"))
from features import MELS
from layers import ConvNeXtBlock

from voxstack_text.tokens import PAUSES, PHONES
from voxstack_upsampler.frame_positions import POSITION_CHANNELS

CONTOURS = ("lf0", "level")  # ln(f0 / 1 Hz) and dB of each token; drawn over frames, after the positions
MEL_SHIFT, MEL_SCALE = 5.0, 3.0  # networks use (log-mel + 5) / 3
F0_CENTRE, F0_SCALE = 180.0, 3.0  # and 3 ln(f0 / 180 Hz)
LEVEL_CENTRE, LEVEL_SCALE = -40.0, 20.0  # and (level + 40 dB) / 20 dB
LOWEST, HIGHEST, PITCHES = 70.0, 420.0, 24  # Hz: range and number of the pitches that the decoder compares with
CHANNELS = 192


class Encoder(nn.Module):
    """Maps token features to an encoding of each token."""

    def __init__(self, channels: int = CHANNELS, blocks: int = 4) -> None:
        super().__init__()
        sizes = (len(PHONES), 2, 2, 2, len(PAUSES) + 1, len(PAUSES) + 1)
        self.embeddings = nn.ModuleList(nn.Embedding(count, channels) for count in sizes)
        self.start = nn.Conv1d(channels, channels, 5, padding=2)
        self.blocks = nn.ModuleList(ConvNeXtBlock(channels) for _ in range(blocks))
        self.norm = nn.LayerNorm(channels)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Map tokens, (batch, tokens, 6) integers, and a mask, (batch, tokens), to (batch, tokens, 192)."""
        mask = mask[:, None]
        x = sum(embed(tokens[..., i]) for i, embed in enumerate(self.embeddings)).transpose(1, 2)
        x = self.start(x * mask) * mask
        for block in self.blocks:
            x = block(x, mask)
        return self.norm(x.transpose(1, 2)) * mask.transpose(1, 2)


class Durations(nn.Module):
    """Predicts the duration of each token, in frames, from its encoding."""

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ConvNeXtBlock(channels, widen=2) for _ in range(2))
        self.out = nn.Linear(channels, 1)

    def logarithm(self, encoded: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return ln(frames + 0.5), (batch, tokens), of an encoding, (batch, tokens, 192)."""
        x = encoded.transpose(1, 2)
        for block in self.blocks:
            x = block(x, mask[:, None])
        return self.out(x.transpose(1, 2))[..., 0]

    def forward(self, encoded: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return the durations of an encoding, (batch, tokens, 192).

        They are frames, (batch, tokens), not rounded, at least 0; 0 where masked.
        """
        return torch.clamp(torch.exp(self.logarithm(encoded, mask)) - 0.5, min=0.0) * mask


class Prosody(nn.Module):
    """Predicts pitch and level of each token from its encoding."""

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ConvNeXtBlock(channels, widen=2) for _ in range(2))
        self.out = nn.Linear(channels, 2)

    def scaled(self, encoded: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return scaled pitch and level, (batch, tokens, 2), of an encoding, (batch, tokens, 192)."""
        x = encoded.transpose(1, 2) * mask[:, None]
        for block in self.blocks:
            x = block(x, mask[:, None])
        return self.out(x.transpose(1, 2))

    def forward(self, encoded: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ln(f0 / 1 Hz) and level in dB, (batch, tokens) each, of an encoding, (batch, tokens, 192).

        Where a token is voiceless, the pitch is interpolated linearly from its neighbours. Both are 0 where masked.
        """
        x = self.scaled(encoded, mask)
        return (x[..., 0] / F0_SCALE + math.log(F0_CENTRE)) * mask, (x[..., 1] * LEVEL_SCALE + LEVEL_CENTRE) * mask


class Decoder(nn.Module):
    """Maps the upsampled encoding with its positions, lf0 and level to frames.

    Its receptive field is 6 x 3 = 18 frames on each side.
    """

    def __init__(self, channels: int = CHANNELS, blocks: int = 6) -> None:
        super().__init__()
        self.channels = channels
        self.positions = nn.Linear(len(POSITION_CHANNELS) + len(CONTOURS) + PITCHES, channels)
        self.blocks = nn.ModuleList(ConvNeXtBlock(channels) for _ in range(blocks))
        self.norm = nn.LayerNorm(channels)
        self.out = nn.Linear(channels, MELS + 2)

    def all_outputs(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Map (batch, frames, 192 + 4 + 2) to (batch, frames, 82): scaled mel, scaled log-f0, voicing logit.

        The f0 of a frame is encoded by its logarithm and by its proximity to each of 24 pitches (Gaussians over the
        logarithm), because the position of harmonics among the bands is not a linear function of it.
        """
        place = frames[..., self.channels : self.channels + len(POSITION_CHANNELS)]
        pitch = frames[..., -2:-1] - math.log(F0_CENTRE)
        level = (frames[..., -1:] - LEVEL_CENTRE) / LEVEL_SCALE
        centres = torch.linspace(
            math.log(LOWEST / F0_CENTRE), math.log(HIGHEST / F0_CENTRE), PITCHES, device=frames.device
        )
        proximity = torch.exp(-0.5 * ((pitch - centres) / (centres[1] - centres[0])) ** 2)
        x = frames[..., : self.channels] + self.positions(torch.cat([place, F0_SCALE * pitch, level, proximity], -1))
        x = x.transpose(1, 2) * mask[:, None]
        for block in self.blocks:
            x = block(x, mask[:, None])
        return self.out(self.norm(x.transpose(1, 2)))

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Map (batch, frames, 198) and a mask, (batch, frames), to log-mels in nats, (batch, frames, 80)."""
        return self.all_outputs(frames, mask)[..., :MELS] * MEL_SCALE - MEL_SHIFT


class Acoustic(nn.Module):
    """The four networks in one, for training."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.durations, self.prosody, self.decoder = Encoder(), Durations(), Prosody(), Decoder()
