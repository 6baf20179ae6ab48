"""The durations of tokens in a VITS of transformers, with the noise as an input."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

SMALLEST_BIN, SMALLEST_SLOPE = 1e-3, 1e-3
"""Smallest width and height of a bin, relative to the whole, and smallest slope of a spline, as in transformers."""


class Durations(nn.Module):
    """Predicts from hidden states the whole frames that each token lasts: ``durations``, (batch, tokens).

    :param model: a ``VitsModel``; its own speaking rate is what a ``rate`` of 1 means.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.predictor: Any = model.duration_predictor
        self.speaking_rate = float(model.speaking_rate)

    def frames(self, logarithms: Tensor, mask: Tensor, rate: Tensor) -> Tensor:
        """Return whole frames from their natural logarithms, (batch, tokens)."""
        return torch.ceil(logarithms.exp() * mask / (rate * self.speaking_rate).unsqueeze(-1))


class PredictedDurations(Durations):
    """The plain predictor, without noise."""

    def forward(self, hidden: Tensor, rate: Tensor, mask: Tensor, speaker_embedding: Tensor | None = None) -> Tensor:
        speaker = None if speaker_embedding is None else speaker_embedding.unsqueeze(-1)
        return self.frames(self.predictor(hidden.transpose(1, 2), mask.unsqueeze(1), speaker).squeeze(1), mask, rate)


class SampledDurations(Durations):
    """The stochastic predictor (Kim et al. 2021, arXiv:2106.06103): flows from noise to logarithms of durations.

    :param model: a ``VitsModel`` with a ``VitsStochasticDurationPredictor``.
    """

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.affine, _, *flows = self.predictor.flows  # the first flow only shuffles what is dropped
        self.flows = nn.ModuleList(BackwardFlow(flow) for flow in reversed(flows))

    def forward(
        self,
        hidden: Tensor,
        duration_noise: Tensor,
        noise_scale_duration: Tensor,
        rate: Tensor,
        mask: Tensor,
        speaker_embedding: Tensor | None = None,
    ) -> Tensor:
        own, padding = self.predictor, mask.unsqueeze(1)
        condition = own.conv_pre(hidden.transpose(1, 2))
        if speaker_embedding is not None:
            condition = condition + own.cond(speaker_embedding.unsqueeze(-1))
        condition = own.conv_proj(own.conv_dds(condition, padding)) * padding
        latents = duration_noise.transpose(1, 2) * noise_scale_duration[:, None, None]
        for flow in self.flows:
            latents = flow(latents.flip(1), padding, condition)
        latents, _ = self.affine(latents.flip(1), padding, reverse=True)
        return self.frames(latents[:, 0], mask, rate)


class BackwardFlow(nn.Module):
    """A coupling of two channels by a spline, backwards: the first channel determines the transform of the second.

    :param flow: a ``VitsConvFlow``.
    """

    def __init__(self, flow: Any) -> None:
        super().__init__()
        self.flow: Any = flow

    def forward(self, latents: Tensor, padding: Tensor, condition: Tensor) -> Tensor:
        own, bins = self.flow, self.flow.num_bins
        first, second = latents.chunk(2, 1)
        shapes = own.conv_proj(own.conv_dds(own.conv_pre(first), padding, condition)) * padding
        shapes = torch.unflatten(shapes, 1, (own.half_channels, -1)).transpose(2, 3)
        widths, heights, slopes = shapes[..., :bins], shapes[..., bins : 2 * bins], shapes[..., 2 * bins :]
        scale = math.sqrt(own.filter_channels)
        second = backward_spline(second, widths / scale, heights / scale, slopes, own.tail_bound)
        return torch.cat([first, second], 1) * padding


def backward_spline(values: Tensor, widths: Tensor, heights: Tensor, slopes: Tensor, bound: float) -> Tensor:
    """Invert monotonic rational-quadratic splines (Durkan et al. 2019, arXiv:1906.04032, equations 6 to 8).

    Between ``-bound`` and ``bound`` a spline goes through knots; outside it is the identity. Both values are
    computed and one is selected, so that no shape depends on the data.

    :param values: (...), outputs of the splines.
    :param widths: (..., bins), before the softmax; ``heights`` likewise.
    :param slopes: (..., bins - 1) at the inner knots, before the softplus; they are 1 at the outer ones.
    """
    inside = values.clamp(-bound, bound).unsqueeze(-1)
    lefts, widths = _knots(widths, bound)
    bottoms, heights = _knots(heights, bound)
    slopes = functional.pad(SMALLEST_SLOPE + functional.softplus(slopes), (1, 1), value=1.0)
    index = ((inside >= bottoms).sum(-1, keepdim=True) - 1).clamp(0, widths.shape[-1] - 1)
    left, width, bottom, height = (part.gather(-1, index) for part in (lefts, widths, bottoms, heights))
    before, after = slopes[..., :-1].gather(-1, index), slopes[..., 1:].gather(-1, index)
    slope, above = height / width, inside - bottom
    bend = above * (before + after - 2 * slope)
    a, b, c = height * (slope - before) + bend, height * before - bend, -slope * above
    root = 2 * c / (-b - (b * b - 4 * a * c).clamp(min=0).sqrt())
    return torch.where(values.abs() <= bound, (root * width + left).squeeze(-1), values)


def _knots(parts: Tensor, bound: float) -> tuple[Tensor, Tensor]:
    """Return the lower edges of bins, and their widths."""
    bins = parts.shape[-1]
    parts = SMALLEST_BIN + (1 - SMALLEST_BIN * bins) * parts.softmax(-1)
    inner = 2 * bound * parts[..., :-1].cumsum(-1) - bound
    edges = functional.pad(functional.pad(inner, (1, 0), value=-bound), (0, 1), value=bound)
    return edges[..., :-1], edges[..., 1:] - edges[..., :-1]
