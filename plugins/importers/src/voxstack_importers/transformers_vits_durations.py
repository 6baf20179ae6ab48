"""VITS in transformers: how long tokens last, with the noise as an input."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

LEAST_BIN, LEAST_SLOPE = 1e-3, 1e-3
"""Smallest width and height of a bin, as a part of the whole, and smallest slope of a spline: ``transformers`` knows no others."""


class Durations(nn.Module):
    """From what is known of the tokens to whole frames that each lasts: ``durations``, (batch, tokens).

    :param model: a ``VitsModel``; its own speaking rate is what a ``rate`` of 1 means.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.predictor = model.duration_predictor
        self.speaking_rate = float(model.speaking_rate)

    def frames(self, logarithms: Tensor, mask: Tensor, rate: Tensor) -> Tensor:
        """Whole frames, of their logarithms, (batch, tokens)."""
        return torch.ceil(logarithms.exp() * mask / (rate * self.speaking_rate).unsqueeze(-1))


class PredictedDurations(Durations):
    """The plain predictor: no noise."""

    def forward(self, hidden: Tensor, rate: Tensor, mask: Tensor, speaker_embedding: Tensor | None = None) -> Tensor:
        speaker = None if speaker_embedding is None else speaker_embedding.unsqueeze(-1)
        return self.frames(self.predictor(hidden.transpose(1, 2), mask.unsqueeze(1), speaker).squeeze(1), mask, rate)


class SampledDurations(Durations):
    """The stochastic predictor (Kim et al. 2021, arXiv:2106.06103), run backwards: flows from noise to logarithms of durations.

    :param model: a ``VitsModel`` with a ``VitsStochasticDurationPredictor``.
    """

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        affine, *flows = self.predictor.flows
        self.affine = affine
        self.flows = nn.ModuleList(
            BackwardFlow(flow) for flow in reversed(flows[1:])
        )  # the first only shuffles what is thrown away

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
        known = own.conv_pre(hidden.transpose(1, 2))
        if speaker_embedding is not None:
            known = known + own.cond(speaker_embedding.unsqueeze(-1))
        known = own.conv_proj(own.conv_dds(known, padding)) * padding
        latents = duration_noise.transpose(1, 2) * noise_scale_duration[:, None, None]
        for flow in self.flows:
            latents = flow(latents.flip(1), padding, known)
        latents, _ = self.affine(latents.flip(1), padding, reverse=True)
        return self.frames(latents[:, 0], mask, rate)


class BackwardFlow(nn.Module):
    """A coupling of two channels by a spline, backwards: the first decides what the second was.

    :param flow: a ``VitsConvFlow``.
    """

    def __init__(self, flow: nn.Module) -> None:
        super().__init__()
        self.flow = flow

    def forward(self, latents: Tensor, padding: Tensor, known: Tensor) -> Tensor:
        own, bins = self.flow, self.flow.num_bins
        first, second = latents.chunk(2, 1)
        shapes = own.conv_proj(own.conv_dds(own.conv_pre(first), padding, known)) * padding
        shapes = shapes.unflatten(1, (own.half_channels, -1)).transpose(2, 3)
        widths, heights, slopes = shapes[..., :bins], shapes[..., bins : 2 * bins], shapes[..., 2 * bins :]
        scale = math.sqrt(own.filter_channels)
        second = backward_spline(second, widths / scale, heights / scale, slopes, own.tail_bound)
        return torch.cat([first, second], 1) * padding


def backward_spline(values: Tensor, widths: Tensor, heights: Tensor, slopes: Tensor, bound: float) -> Tensor:
    """Invert monotonic splines of quotients of quadratics (Durkan et al. 2019, arXiv:1906.04032, equations 6 to 8).

    Between ``-bound`` and ``bound`` a spline goes through knots; outside it is the identity. Every value is computed and the right
    one chosen, so that no shape depends on the data.

    :param values: (...), what the splines made.
    :param widths: (..., bins), before the softmax that makes them add up; ``heights`` likewise.
    :param slopes: (..., bins - 1) at the inner knots, before the softplus; they are 1 at the outer ones.
    """
    at = values.clamp(-bound, bound).unsqueeze(-1)
    lefts, widths = _knots(widths, bound)
    bottoms, heights = _knots(heights, bound)
    slopes = functional.pad(LEAST_SLOPE + functional.softplus(slopes), (1, 1), value=1.0)
    index = ((at >= bottoms).sum(-1, keepdim=True) - 1).clamp(0, widths.shape[-1] - 1)
    left, width, bottom, height = (part.gather(-1, index) for part in (lefts, widths, bottoms, heights))
    before, after = slopes[..., :-1].gather(-1, index), slopes[..., 1:].gather(-1, index)
    slope, above = height / width, at - bottom
    bend = above * (before + after - 2 * slope)
    a, b, c = height * (slope - before) + bend, height * before - bend, -slope * above
    root = 2 * c / (-b - (b * b - 4 * a * c).clamp(min=0).sqrt())
    return torch.where(values.abs() <= bound, (root * width + left).squeeze(-1), values)


def _knots(parts: Tensor, bound: float) -> tuple[Tensor, Tensor]:
    """Where bins begin, and how wide they are."""
    bins = parts.shape[-1]
    parts = LEAST_BIN + (1 - LEAST_BIN * bins) * parts.softmax(-1)
    inner = 2 * bound * parts[..., :-1].cumsum(-1) - bound
    edges = functional.pad(functional.pad(inner, (1, 0), value=-bound), (0, 1), value=bound)
    return edges[..., :-1], edges[..., 1:] - edges[..., :-1]
