"""A rehearsal of a voice: two texts pass through its blocks and modules, before anything is exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from voxstack import Utterance, VoxstackError, build
from voxstack.networks.addon import Addon
from voxstack_packager.errors import PackagingError

HEADS: Mapping[str, tuple[bool, bool]] = {
    "encoded, positions and contours": (True, True),
    "encoded and contours": (False, True),
    "encoded": (False, False),
    "encoded and positions": (True, False),
}
"""What an ``Upsampler`` makes of the tokens, by name: whether it appends positions, and contours.

The first one that the decoder accepts is taken. If encoders give contours, something should read them.
"""

FEWEST = 2.0
"""Frames of a token on average, below which durations may be logarithms."""

NOT_FRAMES = "return one number of frames for each token, not its logarithm, nor seconds"


@dataclass
class Stream:
    """The stream after a network: (steps, features) or (samples,), in each utterance."""

    name: str
    arrays: list[np.ndarray]


@dataclass
class Rehearsal:
    """The state between two networks.

    :param addon: with the borrowed networks alone.
    :param utterances: what blocks and networks gave, without the batch axis, for each text.
    :param sizes: of the axes of ``utterances``, in each of them.
    :param stream: after the first network of the stream.
    :param contours: names of outputs of encoders with a number per token, in order, as ``Upsampler`` finds them.
    :param used: names of entries that networks read.
    :param upsampler: fields of the ``Upsampler``, if they are stated.
    """

    addon: Addon
    utterances: list[dict[str, Any]]
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    stream: Stream | None = None
    contours: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    upsampler: Mapping[str, Any] | None = None

    @classmethod
    def begin(cls, addon: Addon, texts: Sequence[str], blocks: Sequence[Mapping[str, Any]]) -> Rehearsal:
        """Return the state after the blocks that read the text.

        :raises PackagingError: if they read no tokens, or as many in each text.
        """
        utterances = []
        for text in texts:
            utterance: dict[str, Any] = {"text": text}
            utterance.update(run_blocks(addon, blocks, utterance))
            utterances.append(utterance)
        found = cls(addon, utterances)
        counts = [len(u["tokens"]) if "tokens" in u else 0 for u in utterances]
        if not all(counts) or counts[0] == counts[1]:
            problem = f"the two texts have {counts[0]} and {counts[1]} tokens; use texts of different lengths"
            raise PackagingError("texts", problem)
        found.sizes["tokens"] = (counts[0], counts[1])
        return found

    @property
    def arrays(self) -> set[str]:
        """The names of entries that a network can read."""
        return {name for name, value in self.utterances[0].items() if isinstance(value, np.ndarray | np.generic)}

    @property
    def stream_name(self) -> str | None:
        """The name of the stream that a network can read; None before there is one."""
        if self.stream is not None:
            return self.stream.name
        return "frames" if {"encoded", "durations"} <= self.arrays else None

    def streams(self) -> dict[str, list[np.ndarray]]:
        """Return the streams that the next network may read, by name, in each utterance.

        After the first network of the stream there is one; before it, all that an ``Upsampler`` can make of tokens.

        :raises PackagingError: for durations that are no frames.
        """
        if self.stream is not None:
            return {self.stream.name: self.stream.arrays}
        for utterance in self.utterances:
            _check_durations(utterance["durations"])
        paced = [{**u, **run_blocks(self.addon, [{"type": "Pace"}], u)} for u in self.utterances]
        made: dict[str, list[np.ndarray]] = {}
        for name, fields in self.upsamplers().items():
            block = build({"type": "Upsampler", **fields}, registry=self.addon.registry)
            made[name] = [np.concatenate(list(block.stream(iter(()), utterance))) for utterance in paced]
        return made

    def upsamplers(self) -> dict[str, dict[str, Any]]:
        """Return the fields of the ``Upsampler`` in each of its forms, by name, or those that are stated."""
        if self.upsampler is not None:
            return {"as stated": {"contours": self.contours, **self.upsampler}}
        return {
            name: {"positions": positions, "contours": list(self.contours) if contours else []}
            for name, (positions, contours) in HEADS.items()
            if self.contours or not contours
        }


def run_blocks(addon: Addon, blocks: Sequence[Mapping[str, Any]], utterance: Utterance) -> dict[str, Any]:
    """Return what sequence blocks add to an utterance.

    :raises PackagingError: if one of them is not installed, or fails.
    """
    spec = {"type": "SequenceBlockContainer", "blocks": list(blocks)}
    try:
        return dict(build(spec, addon, available=utterance)(utterance))
    except VoxstackError as error:
        raise PackagingError("text", f"{error}") from error


def _check_durations(durations: np.ndarray) -> None:
    """Check that durations are frames.

    :raises PackagingError: for what can be none.
    """
    total, tokens = float(np.sum(durations)), len(durations)
    if np.shape(durations) != (tokens,) or np.min(durations) < 0 or not 0.5 * tokens <= total <= 1000 * tokens:
        found = f"{total:.4g} frames for {tokens} tokens, the smallest {np.min(durations):.3g}"
        problem = f"'durations', of the shape {np.shape(durations)}, are {found}: {NOT_FRAMES}"
        raise PackagingError("durations", problem)
