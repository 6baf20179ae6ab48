"""The networks of a VITS, cut out of its graph: text encoder with durations, flow, decoder, and table of speakers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack_importers.graphs import Graph, operator
from voxstack_importers.vits.original import VitsRun
from voxstack_importers.vits.parts import VitsInputs, VitsParts
from voxstack_importers.vits.sampling import sampling
from voxstack_packager import OnnxSource, masked_if_exact

if TYPE_CHECKING:
    from onnx import NodeProto

TOKENS, SPEAKER = "tokens", "speaker_embedding"

INT64 = 7
"""The number of the type in ONNX (``TensorProto.INT64``)."""


@dataclass(frozen=True)
class VitsNetworks:
    """Cuts the networks of a VITS out of its graph.

    :param run: one run of the original, whose arrays are the golden vectors of each network.
    :param vocabulary: the tokens that the voice has.
    :param length_scale: factor on durations at a rate of 1.
    :param speakers: number of speakers.
    :param others: the values that each of the other inputs for each token may have.
    """

    graph: Graph
    parts: VitsParts
    inputs: VitsInputs
    run: VitsRun
    vocabulary: Sequence[int]
    length_scale: float
    speakers: int
    others: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def cut(self, progress: Callable[[str], None] = print) -> list[OnnxSource]:
        """Return all networks; those that would not be exact with a mask have none, and ``progress`` reports why."""
        flow = self._whole_flow() if self.parts.attends(self.graph) else self._flow()
        networks = [self._text(), flow, masked_if_exact(self._decoder(), progress)]
        return [*networks, self._speakers()] if self.inputs.speaker else networks

    def _text(self) -> OnnxSource:
        run, parts = self.run, self.parts
        channels = run.means.shape[2]
        before, constants, inputs = self._text_inputs()
        after = [
            operator("Concat", [parts.means, parts.logs], "encoded", axis=2),
            operator("Reshape", [parts.durations, "flat"], "durations"),
        ]
        outputs = {"encoded": ("float32", ["batch", TOKENS, 2 * channels]), "durations": ("float32", ["batch", TOKENS])}
        golden = {TOKENS: run.tokens, "mask": np.ones(run.tokens.shape, np.float32), "rate": np.ones(1, np.float32)}
        golden |= {
            **run.others,
            "noise_w": run.scales[2:],
            "duration_noise": run.duration_noise,
            SPEAKER: run.speaker_embedding,
        }
        return OnnxSource(
            name="text",
            role="encoder",
            description="Tokens to the prior of the latents, means and logarithms of deviations, and to whole frames",
            model=self.graph.subgraph(before, after, _without_masks(inputs), outputs, constants),
            inputs=inputs,
            outputs=outputs,
            examples=self._text_examples(inputs),
            golden=(
                {name: golden[name] for name in inputs},
                {"encoded": np.concatenate([run.means, run.logs], 2), "durations": run.durations[:, 0]},
            ),
        )

    def _text_inputs(self) -> tuple[list[NodeProto], dict[str, np.ndarray], dict[str, Any]]:
        """Return operators from the network's inputs to those of the graph, their constants, and the inputs."""
        graph_inputs, noise = self.inputs, self.parts.duration_noise
        constants: dict[str, np.ndarray] = {
            "one": np.array([1], np.int64),
            "scalars": np.array([-1, 1, 1], np.int64),
            "flat": np.array([0, -1], np.int64),
            "length_scale": np.array(self.length_scale, np.float32),
        }
        inputs: dict[str, Any] = {
            TOKENS: ("int64", ["batch", TOKENS]),
            "mask": ("float32", ["batch", TOKENS], True),
            "rate": ("float32", ["batch"]),
            **{name: ("int64", ["batch", TOKENS]) for name in graph_inputs.others},
        }
        before = [
            operator("Identity", [TOKENS], graph_inputs.tokens),
            operator("Cast", ["mask"], "unmasked", to=INT64),
            operator("ReduceSum", ["unmasked", "one"], graph_inputs.lengths, keepdims=0),
            operator("Div", ["length_scale", "rate"], "duration_factor"),
        ]
        before += [operator("Identity", [name], other) for name, other in graph_inputs.others.items()]
        before += [operator("Reshape", ["duration_factor", "scalars"], name) for name in graph_inputs.duration_factors]
        if noise is not None:
            inputs |= {"noise_w": ("float32", ["batch"]), "duration_noise": ("float32", ["batch", TOKENS, 2])}
            before += [
                operator("Reshape", ["noise_w", "scalars"], name) for name in graph_inputs.duration_noise_factors
            ]
            before += [_transposed("duration_noise", noise)]
        inputs |= self._speaker_input(before, constants)
        return before, constants, inputs

    def _text_examples(self, inputs: Mapping[str, Any]) -> Any:
        features = self.run.speaker_embedding.shape[1]

        def examples(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
            rows, count = sizes["batch"], sizes[TOKENS]
            arrays = {TOKENS: rng.choice(self.vocabulary, (rows, count)), "rate": rng.uniform(0.5, 2, rows)}
            arrays |= {"noise_w": rng.uniform(0, 1, rows), "duration_noise": rng.standard_normal((rows, count, 2))}
            arrays[SPEAKER] = rng.standard_normal((rows, features))
            arrays |= {name: rng.choice(values, (rows, count)) for name, values in self.others.items()}
            return {name: arrays[name].astype(declared[0]) for name, declared in inputs.items() if name != "mask"}

        return examples

    def _flow(self) -> OnnxSource:
        run, parts = self.run, self.parts
        channels = run.sample.shape[1]
        constants = {"as_channel": np.array([0, 1, -1], np.int64)}
        before = [_transposed("frames", parts.sample), operator("Reshape", ["mask", "as_channel"], parts.mask)]
        inputs: dict[str, Any] = {
            "frames": ("float32", ["batch", "frames", channels]),
            "mask": ("float32", ["batch", "frames"], True),
        }
        inputs |= self._speaker_input(before, constants)
        outputs = {"latents": ("float32", ["batch", "frames", channels])}
        golden = {"frames": run.sample.transpose(0, 2, 1), SPEAKER: run.speaker_embedding}
        golden["mask"] = np.ones((1, run.sample.shape[2]), np.float32)
        arrays = {name: golden[name] for name in inputs}
        after = [_transposed(parts.latents, "latents")]
        return OnnxSource(
            name="flow",
            role="decoder",
            description="A sample of the prior to latents: the flow, backwards",
            model=self.graph.subgraph(before, after, _without_masks(inputs), outputs, constants),
            inputs=inputs,
            outputs=outputs,
            examples={name: array for name, array in arrays.items() if name != "mask"},
            streaming="frames",
            golden=(arrays, {"latents": run.latents.transpose(0, 2, 1)}),
        )

    def _whole_flow(self) -> OnnxSource:
        inputs, before, constants, golden = sampling(self.parts, self.run)
        inputs |= self._speaker_input(before, constants)
        golden[SPEAKER] = self.run.speaker_embedding
        arrays = {name: golden[name] for name in inputs}
        outputs = {"latents": ("float32", ["batch", "frames", self.run.latents.shape[1]])}
        after = [_transposed(self.parts.latents, "latents")]
        return OnnxSource(
            name="flow",
            role="encoder",
            description="Prior and noise of all frames to latents: the flow, backwards, which attends to all of them",
            model=self.graph.subgraph(before, after, _without_masks(inputs), outputs, constants),
            inputs=inputs,
            outputs=outputs,
            examples={name: array for name, array in arrays.items() if name != "mask"},
            golden=(arrays, {"latents": self.run.latents.transpose(0, 2, 1)}),
        )

    def _decoder(self) -> OnnxSource:
        run, parts = self.run, self.parts
        before, constants = [_transposed("latents", parts.latents)], dict[str, np.ndarray]()
        inputs: dict[str, Any] = {"latents": ("float32", ["batch", "frames", run.latents.shape[1]])}
        inputs |= self._speaker_input(before, constants)
        outputs = {"samples": ("float32", ["batch", "samples"])}
        golden = {"latents": run.latents.transpose(0, 2, 1), SPEAKER: run.speaker_embedding}
        arrays = {name: golden[name] for name in inputs}
        after = [operator("Flatten", [parts.samples], "samples")]
        return OnnxSource(
            name="decoder",
            role="decoder",
            description="Latents to samples: HiFi-GAN",
            model=self.graph.subgraph(before, after, inputs, outputs, constants),
            inputs=inputs,
            outputs=outputs,
            examples=arrays,
            streaming="frames",
            golden=(arrays, {"samples": run.samples.reshape(1, -1)}),
        )

    def _speakers(self) -> OnnxSource:
        embedding, number = self.parts.speaker, self.inputs.speaker
        assert embedding is not None, "there is a number of the speaker"
        assert number is not None, "cut() looks for it"
        row = self.run.speaker_embedding
        inputs, outputs = {"speaker_id": ("int64", ["batch"])}, {SPEAKER: ("float32", ["batch", row.shape[1]])}
        before, after = [operator("Identity", ["speaker_id"], number)], [operator("Flatten", [embedding], SPEAKER)]
        return OnnxSource(
            name="speakers",
            role="encoder",
            description="The embedding of each speaker",
            model=self.graph.subgraph(before, after, inputs, outputs),
            inputs=inputs,
            outputs=outputs,
            examples=lambda rng, sizes: {"speaker_id": rng.integers(0, self.speakers, sizes["batch"])},
            golden=({"speaker_id": np.array([self.run.speaker_id])}, {SPEAKER: row}),
        )

    def _speaker_input(self, before: list[NodeProto], constants: dict[str, np.ndarray]) -> dict[str, Any]:
        """Return the input that is the embedding of the speaker, if there are several.

        :param before: gets the operator from it to the embedding in the graph, and ``constants`` what that reads.
        """
        if self.parts.speaker is None:
            return {}
        constants["as_channels"] = np.array([0, -1, 1], np.int64)
        before.append(operator("Reshape", [SPEAKER, "as_channels"], self.parts.speaker))
        return {SPEAKER: ("float32", ["batch", self.run.speaker_embedding.shape[1]])}


def _transposed(name: str, output: str) -> NodeProto:
    """Return the operator that swaps time and channels."""
    return operator("Transpose", [name], output, perm=[0, 2, 1])


def _without_masks(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return dtype and axes of each input, without the flag of masks."""
    return {name: declared[:2] for name, declared in inputs.items()}
