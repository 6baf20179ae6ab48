"""Attention of several heads, in operators that export at any length."""

from __future__ import annotations

import torch
from torch import Tensor


def split_heads(projected: Tensor, heads: int) -> Tensor:
    """Return (batch, steps, channels) as (batch, heads, steps, channels of a head)."""
    return torch.unflatten(projected, -1, (heads, -1)).transpose(1, 2)


def merge_heads(values: Tensor) -> Tensor:
    """Return (batch, heads, steps, channels of a head) as (batch, steps, channels)."""
    return values.transpose(1, 2).flatten(2)
