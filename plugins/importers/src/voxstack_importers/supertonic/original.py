"""The graphs of a Supertonic voice as they were published, run in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from voxstack_importers.graphs import Graph
from voxstack_importers.supertonic.files import GRAPHS, SupertonicFiles
from voxstack_packager.runners import model_runner

PREFIX = "whole/"
"""Put before the names of tensors of the graphs as they were published."""


@dataclass(frozen=True)
class SupertonicRun:
    """Inputs and outputs of the graphs in one run, with the axes that the networks of the addon have; a batch of one.

    :param seconds: (1,) predicted at a rate of 1.
    :param latents: the noise, and then the result of each step: (1, frames, features).
    """

    tokens: np.ndarray
    style_ttl: np.ndarray
    style_dp: np.ndarray
    rate: float
    seconds: np.ndarray
    text_emb: np.ndarray
    latents: list[np.ndarray]
    samples: np.ndarray


class SupertonicOriginal:
    """The four graphs, unchanged."""

    def __init__(self, files: SupertonicFiles) -> None:
        import onnx

        self.files = files
        self.graphs = {name: Graph(onnx.load(files.onnx / f"{name}.onnx"), f"{name}.onnx", PREFIX) for name in GRAPHS}
        for name, expected in GRAPHS.items():
            graph = self.graphs[name]
            found = {tensor.removeprefix(PREFIX) for tensor in graph.inputs}
            if found != expected:
                raise graph.refusal(f"takes {sorted(found)}; the {name} of a Supertonic voice takes {sorted(expected)}")
        self._runners = {name: model_runner(graph.model, graph.file) for name, graph in self.graphs.items()}

    def frames(self, seconds: np.ndarray, rate: float) -> int:
        """Return the number of latents that last as long, computed in float32 as the original does."""
        hop = self.files.hop_length
        samples = seconds.astype(np.float32) / np.float32(rate) * np.float32(self.files.sample_rate)
        return int((samples + np.float32(hop) - np.float32(1))[0] / np.float32(hop))

    def run(
        self,
        tokens: np.ndarray,
        styles: tuple[np.ndarray, np.ndarray],
        rate: float,
        noise: Callable[[int], np.ndarray],
        steps: int,
    ) -> SupertonicRun:
        """Synthesize a sentence.

        :param tokens: (tokens,) int64.
        :param styles: for text and for durations, (tokens, features) each.
        :param noise: returns noise for a number of latents, (frames, features).
        """
        text, mask = tokens[None], np.ones((1, 1, len(tokens)), np.float32)
        style, duration_style = styles[0][None], styles[1][None]
        seconds = self._call("duration_predictor", text_ids=text, style_dp=duration_style, text_mask=mask)
        embedded = self._call("text_encoder", text_ids=text, style_ttl=style, text_mask=mask)
        drawn = noise(self.frames(seconds, rate))
        latents = [np.ascontiguousarray(drawn.T[None])]
        fixed = {"text_emb": embedded, "style_ttl": style, "text_mask": mask}
        fixed |= {"latent_mask": np.ones((1, 1, len(drawn)), np.float32), "total_step": np.array([steps], np.float32)}
        for step in range(steps):
            inputs = {"noisy_latent": latents[-1], "current_step": np.array([step], np.float32), **fixed}
            latents.append(self._call("vector_estimator", **inputs))
        samples = self._call("vocoder", latent=latents[-1]).reshape(1, -1)
        turned = [latent.transpose(0, 2, 1) for latent in latents]
        text_emb = embedded.transpose(0, 2, 1)
        return SupertonicRun(text, style, duration_style, rate, seconds, text_emb, turned, samples)

    def _call(self, name: str, **inputs: np.ndarray) -> np.ndarray:
        outputs = self._runners[name](**{f"{PREFIX}{key}": value for key, value in inputs.items()})
        return outputs[self.graphs[name].outputs[0]]
