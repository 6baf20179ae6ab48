"""A whole VITS graph as it was exported, run in ONNX Runtime with noise as inputs instead of random operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from voxstack_importers.graphs import Graph
from voxstack_importers.vits.parts import VitsInputs, VitsParts
from voxstack_packager.runners import model_runner


@dataclass(frozen=True)
class VitsRun:
    """Inputs and outputs of the original in one run, with the axes that they have in the graph; a batch of one."""

    tokens: np.ndarray
    scales: np.ndarray
    duration_noise: np.ndarray
    speaker_id: int
    means: np.ndarray
    logs: np.ndarray
    durations: np.ndarray
    sample: np.ndarray
    latents: np.ndarray
    samples: np.ndarray
    speaker: np.ndarray | None
    noise: np.ndarray
    others: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def hop_length(self) -> int:
        """Samples of a frame."""
        return int(self.samples.size // self.latents.shape[2])

    @property
    def speaker_embedding(self) -> np.ndarray:
        """The embedding of the speaker, (1, features); no features for a voice with one speaker."""
        return np.zeros((1, 0), np.float32) if self.speaker is None else self.speaker[:, :, 0]


class VitsOriginal:
    """The graph with its random tensors as inputs; nothing else in it is changed.

    It runs in two parts, as the number of frames, and so of values of noise, is known only after the first.
    """

    def __init__(self, graph: Graph, parts: VitsParts, inputs: VitsInputs) -> None:
        self._parts, self._inputs = parts, inputs
        signature: dict[str, tuple[str, list[str | int | None]]] = {
            inputs.tokens: ("int64", ["rows", "tokens"]),
            inputs.lengths: ("int64", ["rows"]),
            inputs.scales: ("float32", [3]),
        }
        signature |= {name: ("int64", ["rows", "tokens"]) for name in inputs.others.values()}
        if inputs.speaker:
            signature[inputs.speaker] = ("int64", ["rows"])
        if parts.duration_noise:
            signature[parts.duration_noise] = ("float32", ["rows", 2, "tokens"])
        encoded: dict[str, Any] = {name: ("float32", [None] * 3) for name in (parts.durations, parts.means, parts.logs)}
        self._encode = model_runner(graph.subgraph([], [], signature, encoded), graph.file)
        signature |= encoded
        signature[parts.noise] = ("float32", ["rows", "channels", "frames"])
        decoded = [parts.sample, parts.latents, *([parts.speaker] if parts.speaker else [])]
        outputs: dict[str, Any] = {name: ("float32", [None] * 3) for name in decoded}
        outputs[parts.samples] = ("float32", [None] * 4)
        self._decode = model_runner(graph.subgraph([], [], signature, outputs), graph.file)

    def run(
        self,
        tokens: np.ndarray,
        scales: np.ndarray,
        noise: Callable[[int, int], np.ndarray],
        duration_noise: np.ndarray,
        speaker_id: int = 0,
        others: Mapping[str, np.ndarray] | None = None,
    ) -> VitsRun:
        """Synthesize a sentence.

        :param tokens: (tokens,) int64.
        :param scales: (3,) float32, those of noise, durations and the noise of durations.
        :param noise: returns noise for a number of frames and of channels, (frames, channels) before it is scaled.
        :param duration_noise: (tokens, 2) before it is scaled.
        :param others: values for each token, (tokens,) int64, by the name of the entry.
        """
        parts, inputs = self._parts, self._inputs
        arrays = {inputs.tokens: tokens[None], inputs.lengths: np.array([len(tokens)]), inputs.scales: scales}
        values = {name: (others or {})[name][None] for name in inputs.others}
        arrays |= {inputs.others[name]: value for name, value in values.items()}
        if inputs.speaker:
            arrays[inputs.speaker] = np.array([speaker_id])
        if parts.duration_noise:
            arrays[parts.duration_noise] = duration_noise.T[None]
        encoded = self._encode(**arrays)
        frames = max(1, int(encoded[parts.durations].sum()))
        arrays[parts.noise] = noise(frames, encoded[parts.means].shape[2]).T[None]
        outputs = {**encoded, **self._decode(**arrays, **encoded)}
        names = ("means", "logs", "durations", "sample", "latents", "samples")
        return VitsRun(
            tokens=tokens[None],
            scales=scales,
            duration_noise=duration_noise[None],
            speaker_id=speaker_id,
            speaker=outputs[parts.speaker] if parts.speaker else None,
            noise=arrays[parts.noise],
            others=values,
            **{name: outputs[getattr(parts, name)] for name in names},
        )
