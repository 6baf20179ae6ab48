"""A whole VITS graph as it was exported, run in ONNX Runtime with noise that is given instead of drawn inside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from voxstack_importers.graphs import Graph
from voxstack_importers.vits_networks import Inputs
from voxstack_importers.vits_parts import Parts
from voxstack_packager.runners import model_runner


@dataclass(frozen=True)
class Said:
    """What the original took and gave in one run, with the axes that it has inside; a batch of one."""

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

    @property
    def speaker_row(self) -> np.ndarray:
        """The embedding of the speaker, (1, features); no features where there is none."""
        return np.zeros((1, 0), np.float32) if self.speaker is None else self.speaker[:, :, 0]


class Original:
    """The graph with its random tensors made inputs; nothing else in it is changed.

    :param scales: name of the input that holds noise scale, length scale and duration noise scale.
    """

    def __init__(self, graph: Graph, parts: Parts, inputs: Inputs, scales: str) -> None:
        self._parts, self._inputs, self._scales = parts, inputs, scales
        given = {
            inputs.tokens: ("int64", ["rows", "tokens"]),
            inputs.lengths: ("int64", ["rows"]),
            scales: ("float32", [3]),
        }
        given |= {inputs.speaker: ("int64", ["rows"])} if inputs.speaker else {}
        given |= {parts.duration_noise: ("float32", ["rows", 2, "tokens"])} if parts.duration_noise else {}
        first = [parts.durations, parts.means, parts.logs]
        self._timed = model_runner(
            graph.part([], [], given, {name: ("float32", [None] * 3) for name in first}), graph.where
        )
        given |= {parts.noise: ("float32", ["rows", "channels", "frames"])}
        made = [*first, parts.sample, parts.latents, *([parts.speaker] if parts.speaker else [])]
        outputs = {**{name: ("float32", [None] * 3) for name in made}, parts.samples: ("float32", [None] * 4)}
        self._run = model_runner(graph.part([], [], given, outputs), graph.where)

    def __call__(
        self,
        tokens: np.ndarray,
        scales: np.ndarray,
        noise: Callable[[int, int], np.ndarray],
        duration_noise: np.ndarray,
        speaker_id: int = 0,
    ) -> Said:
        """Speak.

        :param tokens: (tokens,) int64.
        :param scales: noise, length, duration noise.
        :param noise: given the number of frames and of channels, (frames, channels) before it is scaled.
        :param duration_noise: (tokens, 2) before it is scaled.
        """
        parts, inputs = self._parts, self._inputs
        given = {
            inputs.tokens: tokens[None],
            inputs.lengths: np.array([len(tokens)]),
            self._scales: np.asarray(scales, np.float32),
        }
        given |= {inputs.speaker: np.array([speaker_id])} if inputs.speaker else {}
        given |= {parts.duration_noise: duration_noise.T[None]} if parts.duration_noise else {}
        timed = self._timed(**given)
        frames = max(1, int(timed[parts.durations].sum()))
        given[parts.noise] = noise(frames, timed[parts.means].shape[2]).T[None]
        made = self._run(**given)
        names = ("means", "logs", "durations", "sample", "latents", "samples")
        return Said(
            tokens=tokens[None],
            scales=given[self._scales],
            duration_noise=duration_noise[None],
            speaker_id=speaker_id,
            speaker=made[parts.speaker] if parts.speaker else None,
            **{name: made[getattr(parts, name)] for name in names},
        )
