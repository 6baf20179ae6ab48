"""The networks of a Matcha-TTS voice: an acoustic model with the noise as an input, and a vocoder that streams."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack.networks import Runner
from voxstack_importers.graphs import RANDOM, Graph
from voxstack_packager import OnnxSource
from voxstack_packager.runners import model_runner

if TYPE_CHECKING:
    from onnx import NodeProto

FRAMES = 32
"""Frames of noise for each token, amply; what lasts longer takes them again from the start."""

WHOLE = "whole/"
"""Before the names of tensors of the graphs as they were exported."""

LENGTHS = ("x_length", "x_lengths")


@dataclass(frozen=True)
class Mel:
    """What the acoustic model took and gave in one run: ``mel`` (frames, features), ``durations`` (tokens,)."""

    tokens: np.ndarray
    noise: np.ndarray
    noise_scale: float
    rate: float
    mel: np.ndarray
    durations: np.ndarray


class Acoustic:
    """An acoustic model: ``x``, ``x_length``, ``noise_scale``, ``length_scale`` to ``mel``, as icefall exports it, or with ``scales``,
    which holds both, as Matcha-TTS itself does.
    """

    def __init__(self, graph: Graph, lengths: str, noise: str, durations: str) -> None:
        self.graph, self._lengths, self._noise, self._durations = graph, lengths, noise, durations
        self.told = {one.key: one.value for one in graph.model.metadata_props}
        like, kinds = graph.makers[noise].input[0], {f"{WHOLE}x": ("int64", [None, None]), lengths: ("int64", [None])}
        inputs = {name: kinds.get(name, ("float32", [None])) for name in graph.inputs}
        self._like = model_runner(graph.part([], [], inputs, {like: ("float32", [None] * 3)}), graph.where)
        outputs = {graph.outputs[0]: ("float32", [None] * 3), durations: ("float32", [None] * 3)}
        self._run = model_runner(graph.part([], [], {**inputs, noise: ("float32", [None] * 3)}, outputs), graph.where)
        sample = self._like(**self._inputs(np.zeros(5, np.int64), 1.0, 1.0))
        self._features = sample[like].shape[1]

    @classmethod
    def of(cls, graph: Graph) -> Acoustic:
        """Look at a graph.

        :raises PackagingError: saying what was looked for and not found.
        """
        taken = {name.removeprefix(WHOLE) for name in graph.inputs}
        lengths = next((name for name in LENGTHS if name in taken), None)
        if lengths is None or taken not in ({"x", lengths, "noise_scale", "length_scale"}, {"x", lengths, "scales"}):
            wanted = "x, x_length, noise_scale and length_scale (or x, x_lengths and scales)"
            raise graph.refused(
                f"takes {sorted(taken)}; an acoustic model of Matcha-TTS with one speaker takes {wanted}"
            )
        if "sample_rate" not in {one.key for one in graph.model.metadata_props}:
            raise graph.refused(
                "has no 'sample_rate' in its metadata; add it (onnx.helper.set_model_props), with pad_id, use_eos_bos, voice"
            )
        whole = graph.above(graph.outputs[0])
        drawn = [name for name, node in graph.makers.items() if node.op_type in RANDOM and name in whole]
        if len(drawn) != 1 or graph.makers[drawn[0]].op_type != "RandomNormalLike":
            raise graph.refused(
                f"looked for one RandomNormalLike, where the flow begins, and found {len(drawn)} random tensors"
            )
        ceils = {name for name, node in graph.makers.items() if node.op_type == "Ceil" and name in whole}
        ceils = {
            name for name in ceils if not (graph.above(name) & ceils) - {name}
        }  # another one rounds the number of all frames up
        if len(ceils) != 1:
            raise graph.refused(f"looked for one Ceil, which makes whole frames of durations, and found {len(ceils)}")
        return cls(graph, WHOLE + lengths, drawn[0], ceils.pop())

    @property
    def noise(self) -> dict[str, Any]:
        """The block that draws the noise."""
        return {"type": "Noise", "name": "noise", "like": "tokens", "features": FRAMES * self._features}

    def original(self, tokens: np.ndarray, draw: Callable[..., np.ndarray], noise_scale: float, rate: float) -> Mel:
        """Run the graph as it was exported, with this noise instead of its own.

        :param draw: given (tokens, FRAMES * features) and float32, draws noise of that shape.
        """
        noise = draw((len(tokens), FRAMES * self._features), np.float32)
        given = self._inputs(tokens, noise_scale, rate)
        (like,) = self._like(**given).values()
        rows = noise.reshape(-1, self._features)[np.arange(like.shape[2]) % (len(tokens) * FRAMES)]
        made = self._run(**given, **{self._noise: rows.T[None]})
        mel = made[self.graph.outputs[0]][0].T
        return Mel(tokens, noise, noise_scale, rate, mel, made[self._durations].reshape(-1))

    def source(self, said: Mel) -> OnnxSource:
        """The network, with a run of the original for its golden vectors."""
        features, ids = self._features, np.unique(said.tokens)
        inputs = {"tokens": ("int64", ["tokens"]), "rate": ("float32", []), "noise_scale": ("float32", [])}
        inputs |= {"noise": ("float32", ["tokens", FRAMES * features])}
        outputs = {"mel": ("float32", ["frames", features]), "durations": ("float32", ["tokens"])}
        golden = {
            "tokens": said.tokens,
            "rate": np.array(said.rate, np.float32),
            "noise_scale": np.array(said.noise_scale, np.float32),
        }

        def examples(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
            rows = sizes["tokens"]
            noise = rng.standard_normal((rows, FRAMES * features), np.float32)
            return {
                "tokens": rng.choice(ids, rows),
                "rate": np.float32(rng.uniform(0.5, 2)),
                "noise_scale": np.float32(0.5),
                "noise": noise,
            }

        return OnnxSource(
            name="acoustic",
            role="encoder",
            description="Tokens of a sentence to its mel-spectrogram: Matcha-TTS",
            model=self._model(inputs, outputs),
            inputs=inputs,
            outputs=outputs,
            examples=examples,
            golden=({**golden, "noise": said.noise}, {"mel": said.mel, "durations": said.durations}),
        )

    def _inputs(self, tokens: np.ndarray, noise_scale: float, rate: float) -> dict[str, np.ndarray]:
        scales = {"noise_scale": np.float32([noise_scale]), "length_scale": np.float32([1]) / np.float32([rate])}
        scales["scales"] = np.concatenate(list(scales.values()))
        whole = {f"{WHOLE}x": tokens[None], self._lengths: np.array([len(tokens)])}
        whole |= {WHOLE + name: value for name, value in scales.items()}
        return {name: whole[name] for name in self.graph.inputs}

    def _model(self, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Any:
        from onnx import helper

        node = helper.make_node
        integers = {
            "first": [0],
            "one": [1],
            "as_frames": [-1, self._features],
            "flat": [-1],
            "zero": 0,
            "step": 1,
            "two": 2,
        }
        constants = {name: np.array(value, np.int64) for name, value in integers.items()} | {
            "unit": np.ones(1, np.float32)
        }
        before = [node("Unsqueeze", ["tokens", "first"], [f"{WHOLE}x"]), node("Shape", ["tokens"], [self._lengths])]
        before += [node("Reshape", ["rate", "one"], ["rates"]), node("Div", ["unit", "rates"], ["length"])]
        before += [node("Reshape", ["noise_scale", "one"], ["noises"])]
        if f"{WHOLE}scales" in self.graph.inputs:
            before += [node("Concat", ["noises", "length"], [f"{WHOLE}scales"], axis=0)]
        else:
            before += [
                node("Identity", ["noises"], [f"{WHOLE}noise_scale"]),
                node("Identity", ["length"], [f"{WHOLE}length_scale"]),
            ]
        before += self._noise_rows()
        after = [
            node("Squeeze", [self.graph.outputs[0], "first"], ["turned"]),
            node("Transpose", ["turned"], ["mel"], perm=[1, 0]),
        ]
        after += [node("Reshape", [self._durations, "flat"], ["durations"])]
        return self.graph.part(before, after, inputs, outputs, constants)

    def _noise_rows(self) -> list[NodeProto]:
        """As many rows of the noise as there are frames, from the first on again behind the last, with their axes as the graph has them."""
        from onnx import helper

        like = self.graph.makers[self._noise].input[0]
        steps = [
            ("Shape", [like], "like"),
            ("Gather", ["like", "two"], "count"),
            ("Range", ["zero", "count", "step"], "at"),
            ("Reshape", ["noise", "as_frames"], "rows"),
            ("Shape", ["rows"], "row_shape"),
            ("Gather", ["row_shape", "zero"], "row_count"),
            ("Mod", ["at", "row_count"], "row"),
            ("Gather", ["rows", "row"], "drawn"),
            ("Transpose", ["drawn"], "drawn_turned"),
            ("Unsqueeze", ["drawn_turned", "first"], self._noise),
        ]
        return [helper.make_node(kind, given, [made]) for kind, given, made in steps]


class Vocoder:
    """A vocoder: ``mel``, (batch, features, frames), to audio, or to magnitudes and the cosines and sines of phases.

    :param block: what makes samples of its output, where it makes none itself.
    """

    def __init__(self, graph: Graph, run: Runner, hop: int, block: dict[str, Any] | None) -> None:
        self.graph, self._run, self.hop, self.block = graph, run, hop, block

    @classmethod
    def of(cls, graph: Graph, mel: np.ndarray) -> Vocoder:
        """Look at a graph, and try it.

        :param mel: (frames, features) of the acoustic model.
        :raises PackagingError: if it is neither, or takes other mels.
        """
        if len(graph.inputs) != 1 or len(graph.outputs) not in (1, 3):
            given, made = ([name.removeprefix(WHOLE) for name in side] for side in (graph.inputs, graph.outputs))
            raise graph.refused(
                f"takes {given} and gives {made}; a HiFi-GAN takes mels and gives audio, a vocos gives mag, x and y"
            )
        run = model_runner(graph.model, graph.where)
        try:
            made = run(**{graph.inputs[0]: mel.T[None]})
        except Exception as error:  # ONNX Runtime's own have no class in common
            raise graph.refused(
                f"does not take mels of {mel.shape[1]} features, as the acoustic model makes them ({error})"
            ) from error
        if len(graph.outputs) == 1:
            return cls(graph, run, made[graph.outputs[0]].size // len(mel), None)
        told = {one.key: one.value for one in graph.model.metadata_props}
        n_fft, hop, window = (
            int(told.get(key, default)) for key, default in (("n_fft", 1024), ("hop_length", 256), ("win_length", 1024))
        )
        if window != n_fft or told.get("window_type", "hann") != "hann" or told.get("normalized", "0") != "0":
            raise graph.refused(
                "has a window that is not a Hann window of n_fft samples, which is all that InverseSTFT knows"
            )
        centered = told.get("center", "1") == "1"
        return cls(graph, run, hop, {"type": "InverseSTFT", "n_fft": n_fft, "hop_length": hop, "centered": centered})

    def original(self, mel: np.ndarray) -> np.ndarray:
        """What the graph gives as it was exported: samples, or (frames, 2 * bins) of real and imaginary parts."""
        made = self._run(**{self.graph.inputs[0]: np.ascontiguousarray(mel.T[None])})
        if self.block is None:
            return made[self.graph.outputs[0]].reshape(1, -1)
        magnitudes, cosines, sines = (made[name][0] for name in self.graph.outputs)
        return np.concatenate([magnitudes * cosines, magnitudes * sines]).T

    def source(self, mel: np.ndarray) -> OnnxSource:
        """The network, with what the original gives for a mel for its golden vectors."""
        from onnx import helper

        node, inputs = helper.make_node, {"mel": ("float32", ["batch", "frames", mel.shape[1]])}
        before = [node("Transpose", ["mel"], [self.graph.inputs[0]], perm=[0, 2, 1])]
        made = self.original(mel)
        if self.block is None:
            after, outputs = (
                [node("Flatten", [self.graph.outputs[0]], ["samples"])],
                {"samples": ("float32", ["batch", "samples"])},
            )
        else:
            magnitudes, *parts = self.graph.outputs
            after = [
                node("Mul", [magnitudes, part], [name]) for part, name in zip(parts, ("real", "imaginary"), strict=True)
            ]
            after += [
                node("Concat", ["real", "imaginary"], ["turned"], axis=1),
                node("Transpose", ["turned"], ["spectra"], perm=[0, 2, 1]),
            ]
            outputs, made = {"spectra": ("float32", ["batch", "frames", made.shape[1]])}, made[None]
        return OnnxSource(
            name="vocoder",
            role="vocoder",
            description=f"Mel-spectrogram to sound: {self.graph.where}",
            model=self.graph.part(before, after, inputs, outputs),
            inputs=inputs,
            outputs=outputs,
            examples={"mel": mel[None]},
            streaming="frames",
            golden=({"mel": mel[None]}, {next(iter(outputs)): made}),
        )
