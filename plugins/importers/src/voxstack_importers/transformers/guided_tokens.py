"""Tokens of several codebooks from the logits of a guided model: guidance, the end of speech, and sampling."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Sampling(NamedTuple):
    """Settings of the sampling.

    :param top_k: tokens with the highest guided logits, of which one is sampled.
    :param top_p: probability of the likeliest tokens, of which one is sampled; 1: any.
    """

    top_k: int
    top_p: float


class GuidedTokens(nn.Module):
    """Logits with and without the text to one token of each codebook.

    Classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598) ranks the tokens; among the highest, one is chosen
    by the logits with the text. The first codebook alone may end the speech, and does if that is likeliest.

    :param end: the token of the end; those above it are not spoken either.
    """

    def __init__(self, end: int, sampling: Sampling) -> None:
        super().__init__()
        self.end, self.sampling = end, sampling

    def forward(
        self, logits: Tensor, plain: Tensor, guidance_scale: Tensor, temperature: Tensor, noise: Tensor
    ) -> Tensor:
        """Choose a token of each codebook, (batch, codebooks).

        :param logits: (batch, codebooks, tokens), with the text; ``plain`` likewise, without it.
        :param guidance_scale: (batch); 1 leaves guidance out.
        :param temperature: (batch); 0 chooses the likeliest.
        :param noise: (batch, codebooks), uniform from 0 to 1.
        """
        scale = guidance_scale[:, None, None]
        ranked = torch.where(scale == 1, self._speakable(logits), logits + (logits - plain) * scale)
        lowest = torch.topk(ranked, min(self.sampling.top_k, ranked.shape[-1])).values[..., -1:]
        scores = self._speakable(torch.where(ranked >= lowest, logits, -torch.inf))
        heat = temperature[:, None, None]
        sampled = self._sample(scores / torch.where(heat > 0, heat, 1.0), noise)
        return torch.where(heat[..., 0] > 0, sampled, scores.argmax(-1))

    def _speakable(self, scores: Tensor) -> Tensor:
        """Hide what a codebook may not choose: tokens that are not spoken, and the end unless it is likeliest."""
        numbers = torch.arange(scores.shape[-1], device=scores.device)
        first = (torch.arange(scores.shape[1], device=scores.device) == 0).unsqueeze(1)
        scores = torch.where(numbers < self.end + first.long(), scores, -torch.inf)
        ends = scores.argmax(-1, keepdim=True) == self.end
        return torch.where((numbers == self.end) == ends, scores, -torch.inf)

    def _sample(self, scores: Tensor, noise: Tensor) -> Tensor:
        """Choose a token of each codebook by its place in the distribution."""
        if self.sampling.top_p < 1:
            ordered = torch.topk(scores, min(self.sampling.top_k, scores.shape[-1])).values
            below = torch.softmax(ordered, -1).flip(-1).cumsum(-1).flip(-1)  # of a token and those less likely
            kept = below > 1 - self.sampling.top_p
            lowest = torch.where(kept, ordered, torch.inf).amin(-1, keepdim=True)
            scores = torch.where(scores >= torch.minimum(lowest, ordered[..., :1]), scores, -torch.inf)
        reached = torch.softmax(scores, -1).cumsum(-1)
        place = (reached <= noise.unsqueeze(-1)).long().sum(-1)
        return torch.minimum(place, reached.argmax(-1))  # sums of floats may end below the noise
