"""The four graphs of a tiny-tts voice as they were exported, run in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voxstack_importers.graphs import Graph
from voxstack_importers.tiny.symbols import LANGUAGE
from voxstack_packager import PackagingError
from voxstack_packager.runners import model_runner

PREFIX = "whole/"
"""Put before the names of tensors of the graphs as they were exported."""

GRAPHS = {
    "text_encoder": {"phone_ids", "phone_lengths", "tone_ids", "language_ids", "bert", "ja_bert", "speaker_id"},
    "duration_predictor": {"x", "x_mask", "g"},
    "flow": {"z_p", "y_mask", "g"},
    "decoder": {"z", "g"},
}
"""The inputs of each graph."""

BERTS = {"bert": 1024, "ja_bert": 768}
"""Features of the inputs that are zeros."""


@dataclass(frozen=True)
class TinyRun:
    """Inputs and outputs of the graphs in one run, time first and without the batch of one.

    :param encoded: the means and the logarithms of the deviations of each token.
    :param hidden: (tokens, features), what durations are predicted from.
    :param noise: (frames, channels), before it is scaled.
    """

    tokens: np.ndarray
    tones: np.ndarray
    encoded: np.ndarray
    hidden: np.ndarray
    speaker_embedding: np.ndarray
    rate: float
    durations: np.ndarray
    prior: np.ndarray
    noise: np.ndarray
    noise_scale: float
    latents: np.ndarray
    samples: np.ndarray


class TinyOriginal:
    """The four graphs, unchanged.

    :param folder: with ``text_encoder.onnx``, ``duration_predictor.onnx``, ``flow.onnx`` and ``decoder.onnx``.
    :raises PackagingError: if a graph is missing, or takes other inputs.
    """

    def __init__(self, folder: Path) -> None:
        import onnx

        files = {name: folder / f"{name}.onnx" for name in GRAPHS}
        missing = [file.name for file in files.values() if not file.is_file()]
        if missing:
            problem = f"lacks {missing}; give the folder with the graphs of a tiny-tts voice: {', '.join(GRAPHS)}"
            raise PackagingError(folder.name, problem)
        self.graphs = {name: Graph(onnx.load(file), file.name, PREFIX) for name, file in files.items()}
        for name, expected in GRAPHS.items():
            graph = self.graphs[name]
            found = {tensor.removeprefix(PREFIX) for tensor in graph.inputs}
            if found != expected or len(graph.outputs) != (5 if name == "text_encoder" else 1):
                takes = f"takes {sorted(found)} and gives {len(graph.outputs)} tensors"
                raise graph.refusal(f"{takes}; the {name} of a tiny-tts voice takes {sorted(expected)}")
        self._runners = {name: model_runner(graph.model, graph.file) for name, graph in self.graphs.items()}

    def run(
        self, tokens: np.ndarray, tones: np.ndarray, rate: float, noise: Callable[[int, int], np.ndarray], scale: float
    ) -> TinyRun:
        """Synthesize a sentence.

        :param tokens: (tokens,) int64; ``tones`` likewise.
        :param noise: returns noise for a number of frames and of channels, (frames, channels) before it is scaled.
        """
        count = len(tokens)
        language = np.where(np.arange(count) % 2, LANGUAGE, 0)[None]
        ids = {"phone_ids": tokens[None], "tone_ids": tones[None], "language_ids": language}
        zeros = {name: np.zeros((1, features, count), np.float32) for name, features in BERTS.items()}
        numbers = {"phone_lengths": np.array([count]), "speaker_id": np.array([0])}
        hidden, means, logs, mask, speaker = self._call("text_encoder", **ids, **zeros, **numbers)
        (logw,) = self._call("duration_predictor", x=hidden, x_mask=mask, g=speaker)
        length = np.float32(1) / np.float32(rate)
        durations = np.ceil(np.exp(logw) * mask * length).reshape(-1)
        encoded = np.concatenate([means, logs], 1)[0].T
        prior = np.repeat(encoded, durations.astype(int), axis=0)
        channels = means.shape[1]
        drawn = noise(len(prior), channels)
        sample = prior[:, :channels] + drawn * np.exp(prior[:, channels:]) * np.float32(scale)
        (latents,) = self._call("flow", z_p=sample.T[None], y_mask=np.ones((1, 1, len(prior)), np.float32), g=speaker)
        (samples,) = self._call("decoder", z=latents, g=speaker)
        return TinyRun(
            tokens=tokens,
            tones=tones,
            encoded=encoded,
            hidden=hidden[0].T,
            speaker_embedding=speaker.reshape(-1),
            rate=rate,
            durations=durations,
            prior=prior,
            noise=drawn,
            noise_scale=scale,
            latents=latents[0].T,
            samples=samples.reshape(-1),
        )

    def _call(self, name: str, **inputs: np.ndarray) -> list[np.ndarray]:
        arrays = {f"{PREFIX}{key}": np.ascontiguousarray(value) for key, value in inputs.items()}
        outputs = self._runners[name](**arrays)
        return [outputs[output] for output in self.graphs[name].outputs]
