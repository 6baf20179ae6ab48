"""The vocoder of a Matcha-TTS voice, which streams: a HiFi-GAN or a vocos."""

from __future__ import annotations

from typing import Any

import numpy as np

from voxstack.networks import Runner
from voxstack_importers.description import Spec
from voxstack_importers.graphs import Graph, operator
from voxstack_packager import OnnxSource
from voxstack_packager.runners import model_runner


class Vocoder:
    """A graph from ``mel``, (batch, features, frames), to audio, or to magnitudes, cosines and sines of phases.

    :param run: the graph, opened.
    :param hop_length: samples of a frame.
    :param inverse: the block that computes samples of magnitudes and phases; None for a graph that outputs samples.
    """

    def __init__(self, graph: Graph, run: Runner, hop_length: int, inverse: Spec | None) -> None:
        self.graph, self._run, self.hop_length, self.inverse = graph, run, hop_length, inverse

    @classmethod
    def find(cls, graph: Graph, mel: np.ndarray) -> Vocoder:
        """Find out what kind of vocoder a graph is, by running it.

        :param mel: (frames, features) of the acoustic model.
        :raises PackagingError: if it is neither kind, or rejects these mel-spectrograms.
        """
        if len(graph.inputs) != 1 or len(graph.outputs) not in (1, 3):
            names = [[name.removeprefix(graph.prefix) for name in side] for side in (graph.inputs, graph.outputs)]
            expected = "a HiFi-GAN takes mels and gives audio, a vocos gives mag, x and y"
            raise graph.refusal(f"takes {names[0]} and gives {names[1]}; {expected}")
        run = model_runner(graph.model, graph.file)
        try:
            outputs = run(**{graph.inputs[0]: mel.T[None]})
        except Exception as error:  # ONNX Runtime's own errors have no class in common
            problem = f"rejects mels of {mel.shape[1]} features, which the acoustic model computes ({error})"
            raise graph.refusal(problem) from error
        if len(graph.outputs) == 1:
            return cls(graph, run, outputs[graph.outputs[0]].size // len(mel), None)
        inverse = _inverse_stft(graph)
        return cls(graph, run, inverse["hop_length"], inverse)

    def run(self, mel: np.ndarray) -> np.ndarray:
        """Run the graph as it was exported.

        :param mel: (frames, features) float32.
        :returns: (1, samples), or (frames, 2 * bins): the real parts, then the imaginary parts of spectra.
        """
        outputs = self._run(**{self.graph.inputs[0]: np.ascontiguousarray(mel.T[None])})
        if self.inverse is None:
            return outputs[self.graph.outputs[0]].reshape(1, -1)
        magnitudes, cosines, sines = (outputs[name][0] for name in self.graph.outputs)
        return np.concatenate([magnitudes * cosines, magnitudes * sines]).T

    def cut(self, mel: np.ndarray) -> OnnxSource:
        """Return the network, with one run of the original as its golden vectors.

        :param mel: (frames, features) float32, the input of that run.
        """
        inputs: dict[str, Any] = {"mel": ("float32", ["batch", "frames", mel.shape[1]])}
        before = [operator("Transpose", ["mel"], self.graph.inputs[0], perm=[0, 2, 1])]
        result = self.run(mel)
        outputs: dict[str, Any]
        if self.inverse is None:
            after = [operator("Flatten", [self.graph.outputs[0]], "samples")]
            outputs, golden = {"samples": ("float32", ["batch", "samples"])}, {"samples": result}
        else:
            magnitudes, cosines, sines = self.graph.outputs
            after = [
                operator("Mul", [magnitudes, cosines], "real"),
                operator("Mul", [magnitudes, sines], "imaginary"),
                operator("Concat", ["real", "imaginary"], "bins", axis=1),
                operator("Transpose", ["bins"], "spectra", perm=[0, 2, 1]),
            ]
            outputs = {"spectra": ("float32", ["batch", "frames", result.shape[1]])}
            golden = {"spectra": result[None]}
        return OnnxSource(
            name="vocoder",
            role="vocoder",
            description=f"Mel-spectrogram to sound: {self.graph.file}",
            model=self.graph.subgraph(before, after, inputs, outputs),
            inputs=inputs,
            outputs=outputs,
            examples={"mel": mel[None]},
            streaming="frames",
            golden=({"mel": mel[None]}, golden),
        )


def _inverse_stft(graph: Graph) -> dict[str, Any]:
    """Return the block for the transform that a vocos has in its metadata.

    :raises PackagingError: if the block does not support its window.
    """
    metadata = graph.metadata
    n_fft, hop_length, window = (
        int(metadata.get(key, default)) for key, default in (("n_fft", 1024), ("hop_length", 256), ("win_length", 1024))
    )
    plain = metadata.get("window_type", "hann") == "hann" and metadata.get("normalized", "0") == "0"
    if window != n_fft or not plain:
        problem = "has a window that is not a Hann window of n_fft samples, which is all that InverseSTFT supports"
        raise graph.refusal(problem)
    centered = metadata.get("center", "1") == "1"
    return {"type": "InverseSTFT", "n_fft": n_fft, "hop_length": hop_length, "centered": centered}
