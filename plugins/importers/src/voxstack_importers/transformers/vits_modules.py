"""The flow, the vocoder and the speakers of a VITS in transformers, with time before channels."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from voxstack_importers.transformers.hifigan import HifiGan


class Flow(nn.Module):
    """The flow backwards: ``frames``, a sample, to ``latents``, both (batch, frames, features)."""

    def __init__(self, flow: Any) -> None:
        super().__init__()
        self.flow = flow

    def forward(self, frames: Tensor, mask: Tensor, speaker_embedding: Tensor | None = None) -> Tensor:
        speaker = None if speaker_embedding is None else speaker_embedding.unsqueeze(-1)
        latents: Tensor = self.flow(frames.transpose(1, 2), mask.unsqueeze(1), speaker, reverse=True)
        return latents.transpose(1, 2)


class LatentVocoder(nn.Module):
    """``latents`` (batch, frames, features) to ``samples`` (batch, samples)."""

    def __init__(self, decoder: Any) -> None:
        super().__init__()
        self.decoder = HifiGan(decoder)

    def forward(self, latents: Tensor, mask: Tensor, speaker_embedding: Tensor | None = None) -> Tensor:
        speaker = None if speaker_embedding is None else speaker_embedding.unsqueeze(-1)
        samples: Tensor = self.decoder(latents, mask, speaker)
        return samples


class SpeakerTable(nn.Module):
    """``speaker_id`` (batch) to ``speaker_embedding`` (batch, features)."""

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__()
        self.table = table

    def forward(self, speaker_id: Tensor) -> Tensor:
        embedding: Tensor = self.table(speaker_id)
        return embedding
