"""The acoustic model of a Matcha-TTS voice, with the noise as an input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack_importers.description import Spec
from voxstack_importers.graphs import RANDOM, Graph, operator
from voxstack_packager import OnnxSource
from voxstack_packager.runners import model_runner

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

FRAMES = 32
"""Frames of noise for each token, which is ample; a token that lasts longer uses them again from the first on."""

LENGTHS = ("x_length", "x_lengths")
"""Names that the number of tokens may have."""

SPEAKERS = ("sid", "spks")
"""Names that the number of the speaker may have."""


@dataclass(frozen=True)
class AcousticRun:
    """Inputs and outputs of the acoustic model in one run.

    :param tokens: (tokens,) int64.
    :param noise: (tokens, ``FRAMES`` * features) float32.
    :param mel: (frames, features) float32.
    :param durations: (tokens,) float32, whole frames.
    :param speaker_id: number of the speaker; 0 for a model with one.
    """

    tokens: np.ndarray
    noise: np.ndarray
    noise_scale: float
    rate: float
    mel: np.ndarray
    durations: np.ndarray
    speaker_id: int


class AcousticModel:
    """A graph from tokens to a mel-spectrogram.

    Its inputs are ``x``, ``x_length``, ``noise_scale`` and ``length_scale``, as icefall exports it; or ``scales``,
    which holds the last two, as Matcha-TTS itself exports it. It runs in two parts, as the number of frames, and so of
    values of noise, is known only after the first.

    :param lengths: name of the input that is the number of tokens.
    :param noise: name of the random tensor, (batch, features, frames).
    :param durations: name of the whole frames that each token lasts.
    :param speaker: name of the input that is the number of the speaker; None for a model with one.
    """

    def __init__(self, graph: Graph, lengths: str, noise: str, durations: str, speaker: str | None) -> None:
        self.graph, self._lengths, self._noise, self._durations = graph, lengths, noise, durations
        self._speaker, self.speakers = speaker, int(graph.metadata.get("n_speakers", "1")) if speaker else 1
        self._like = graph.producers[noise].input[0]
        integers: dict[str | None, Any] = {graph.prefix + "x": ("int64", [None, None])}
        integers |= {lengths: ("int64", [None]), speaker: ("int64", [None])}
        inputs: dict[str, Any] = {name: integers.get(name, ("float32", [None])) for name in graph.inputs}
        free = ("float32", [None] * 3)
        encoded = {self._like: free, durations: free}
        self._encode = model_runner(graph.subgraph([], [], inputs, encoded), graph.file)
        inputs = {**inputs, **encoded, noise: free}
        self._decode = model_runner(graph.subgraph([], [], inputs, {graph.outputs[0]: free}), graph.file)
        self._features: int = self._encode(**self._inputs(np.zeros(5, np.int64), 1.0, 1.0))[self._like].shape[1]

    @classmethod
    def find(cls, graph: Graph) -> AcousticModel:
        """Find the tensors of an acoustic model in a graph.

        :raises PackagingError: saying what was looked for and not found.
        """
        names = {name.removeprefix(graph.prefix) for name in graph.inputs}
        speaker = next((name for name in SPEAKERS if name in names), None)
        names.discard(speaker or "")
        lengths = next((name for name in LENGTHS if name in names), "")
        if names not in ({"x", lengths, "noise_scale", "length_scale"}, {"x", lengths, "scales"}):
            expected = "x, x_length, noise_scale and length_scale (or x, x_lengths and scales)"
            problem = f"takes {sorted(names)}; an acoustic model of Matcha-TTS takes {expected}"
            raise graph.refusal(f"{problem}, and sid or spks if it has several speakers")
        if "sample_rate" not in graph.metadata:
            raise graph.refusal(
                "has no 'sample_rate' in its metadata; add it (onnx.helper.set_model_props), with pad_id, use_eos_bos "
                "and voice"
            )
        if speaker and not graph.metadata.get("n_speakers", "").isdecimal():
            raise graph.refusal(f"takes {speaker!r}, and has no 'n_speakers' in its metadata; add their number")
        whole = graph.dependencies(graph.outputs[0])
        random = graph.produced_by(RANDOM, whole)
        if len(random) != 1 or graph.producers[random[0]].op_type != "RandomNormalLike":
            problem = f"looked for one RandomNormalLike, where the flow begins, and found {len(random)} random tensors"
            raise graph.refusal(problem)
        rounded = set(graph.produced_by(["Ceil"], whole))
        durations = {  # another one rounds the number of all frames up
            name for name in rounded if not (graph.dependencies(name) & rounded) - {name}
        }
        if len(durations) != 1:
            problem = f"looked for one Ceil, which rounds durations up to whole frames, and found {len(durations)}"
            raise graph.refusal(problem)
        speaker_input = None if speaker is None else graph.prefix + speaker
        return cls(graph, graph.prefix + lengths, random[0], durations.pop(), speaker_input)

    @property
    def noise_features(self) -> int:
        """Values of noise for each token."""
        return FRAMES * self._features

    @property
    def noise_block(self) -> Spec:
        """The block that draws the noise."""
        return {"type": "Noise", "name": "noise", "like": "tokens", "features": self.noise_features}

    def run(
        self, tokens: np.ndarray, noise: np.ndarray, noise_scale: float, rate: float, speaker_id: int = 0
    ) -> AcousticRun:
        """Run the graph as it was exported, with this noise instead of its own.

        :param tokens: (tokens,) int64.
        :param noise: (tokens, :attr:`noise_features`) float32.
        """
        inputs = self._inputs(tokens, noise_scale, rate, speaker_id)
        encoded = self._encode(**inputs)
        frames = encoded[self._like].shape[2]
        rows = noise.reshape(-1, self._features)[np.arange(frames) % (len(tokens) * FRAMES)]
        outputs = self._decode(**inputs, **encoded, **{self._noise: rows.T[None]})
        mel = outputs[self.graph.outputs[0]][0].T
        durations = encoded[self._durations].reshape(-1)
        return AcousticRun(tokens, noise, noise_scale, rate, mel, durations, speaker_id)

    def cut(self, run: AcousticRun) -> OnnxSource:
        """Return the network, with one run of the original as its golden vectors."""
        vocabulary = np.unique(run.tokens)
        inputs: dict[str, Any] = {
            "tokens": ("int64", ["tokens"]),
            "rate": ("float32", []),
            "noise_scale": ("float32", []),
        }
        inputs |= {"noise": ("float32", ["tokens", self.noise_features])}
        inputs |= {"speaker_id": ("int64", [])} if self._speaker else {}
        outputs: dict[str, Any] = {"mel": ("float32", ["frames", self._features]), "durations": ("float32", ["tokens"])}
        golden = {"tokens": run.tokens, "noise": run.noise}
        golden |= {name: np.array(getattr(run, name), np.float32) for name in ("rate", "noise_scale")}
        golden["speaker_id"] = np.array(run.speaker_id)

        def examples(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
            noise = rng.standard_normal((sizes["tokens"], self.noise_features), np.float32)
            arrays = {
                "tokens": rng.choice(vocabulary, sizes["tokens"]),
                "rate": np.array(rng.uniform(0.5, 2), np.float32),
                "noise_scale": np.array(0.5, np.float32),
                "noise": noise,
                "speaker_id": np.array(rng.integers(0, self.speakers)),
            }
            return {name: arrays[name] for name in inputs}

        return OnnxSource(
            name="acoustic",
            role="encoder",
            description="Tokens of a sentence to its mel-spectrogram: Matcha-TTS",
            model=self._network(inputs, outputs),
            inputs=inputs,
            outputs=outputs,
            examples=examples,
            golden=({name: golden[name] for name in inputs}, {"mel": run.mel, "durations": run.durations}),
        )

    def _inputs(
        self, tokens: np.ndarray, noise_scale: float, rate: float, speaker_id: int = 0
    ) -> dict[str, np.ndarray]:
        """Return the inputs of the graph."""
        noise, length = np.array([noise_scale], np.float32), np.ones(1, np.float32) / np.array([rate], np.float32)
        scales: dict[str, np.ndarray] = {
            "noise_scale": noise,
            "length_scale": length,
            "scales": np.concatenate([noise, length]),
        }
        known = {self.graph.prefix + name: value for name, value in {"x": tokens[None], **scales}.items()}
        known[self._lengths] = np.array([len(tokens)])
        known |= {self._speaker: np.array([speaker_id])} if self._speaker else {}
        return {name: known[name] for name in self.graph.inputs}

    def _network(self, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> ModelProto:
        prefix = self.graph.prefix
        integers: dict[str, Any] = {"first": [0], "one": [1], "flat": [-1], "as_frames": [-1, self._features]}
        integers |= {"zero": 0, "step": 1, "frame_axis": 2}
        constants = {name: np.array(value, np.int64) for name, value in integers.items()}
        constants["unit"] = np.ones(1, np.float32)
        before = [
            operator("Unsqueeze", ["tokens", "first"], f"{prefix}x"),
            operator("Shape", ["tokens"], self._lengths),
            operator("Reshape", ["rate", "one"], "rates"),
            operator("Div", ["unit", "rates"], "length"),
            operator("Reshape", ["noise_scale", "one"], "scale"),
        ]
        if f"{prefix}scales" in self.graph.inputs:
            before.append(operator("Concat", ["scale", "length"], f"{prefix}scales", axis=0))
        else:
            before.append(operator("Identity", ["scale"], f"{prefix}noise_scale"))
            before.append(operator("Identity", ["length"], f"{prefix}length_scale"))
        if self._speaker:
            before.append(operator("Reshape", ["speaker_id", "one"], self._speaker))
        after = [
            operator("Squeeze", [self.graph.outputs[0], "first"], "bands"),
            operator("Transpose", ["bands"], "mel", perm=[1, 0]),
            operator("Reshape", [self._durations, "flat"], "durations"),
        ]
        return self.graph.subgraph([*before, *self._noise_rows()], after, inputs, outputs, constants)

    def _noise_rows(self) -> list[NodeProto]:
        """Return operators that select one row of the noise for each frame, from the first on again after the last."""
        return [
            operator("Shape", [self._like], "like"),
            operator("Gather", ["like", "frame_axis"], "count"),
            operator("Range", ["zero", "count", "step"], "places"),
            operator("Reshape", ["noise", "as_frames"], "rows"),
            operator("Shape", ["rows"], "row_shape"),
            operator("Gather", ["row_shape", "zero"], "row_count"),
            operator("Mod", ["places", "row_count"], "row"),
            operator("Gather", ["rows", "row"], "drawn"),
            operator("Transpose", ["drawn"], "drawn_bands"),
            operator("Unsqueeze", ["drawn_bands", "first"], self._noise),
        ]
