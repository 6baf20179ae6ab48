"""References of imported voices: the original software, with the inputs that the addon's blocks compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import voxstack
from voxstack.networks.addon import Addon
from voxstack_packager import Reference


@dataclass(frozen=True)
class SentenceReference(Reference):
    """An original that synthesizes a sentence from the tokens, speaker and noise that the addon's blocks compute.

    :param blocks: the sequence blocks that compute them, in the order of the stack.
    """

    blocks: Sequence[Mapping[str, Any]]

    def utterance(self, addon: Addon, request: voxstack.Utterance) -> voxstack.Utterance:
        """Return the request with all that the blocks compute for it."""
        block = voxstack.build({"type": "SequenceBlockContainer", "blocks": [*self.blocks]}, addon)
        return {**request, **block(request)}


class _Nothing:
    """An addon without networks, for blocks that read text."""

    config: Mapping[str, Any] = {}
    networks: Mapping[str, Any] = {}


def read_tokens(blocks: Sequence[Mapping[str, Any]], text: str) -> np.ndarray:
    """Return the tokens of a text, (tokens,) int64, by the blocks that read it, before there is an addon."""
    utterance: dict[str, Any] = {"text": text}
    for spec in blocks:
        block = voxstack.build(spec)
        block.load(_Nothing())
        utterance |= block(utterance)
    tokens: np.ndarray = utterance["tokens"]
    return tokens


def apply_loudness(samples: np.ndarray, addon: Addon) -> np.ndarray:
    """Return samples, (samples,) float32, as loud as the stack makes those of a sentence."""
    stack = addon.config["stack"]
    if stack[0]["block"]["type"] == "NormalizePeak":
        samples = samples * np.float32(stack[0]["block"].get("peak", 1.0) / np.abs(samples).max())
    if len(stack) > 1:
        block: voxstack.StreamableBlock = voxstack.build([*stack[1:]], addon)
        samples = np.concatenate(list(block.stream(iter([samples]), {})))
    return samples
