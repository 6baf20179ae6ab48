"""The networks of a VITS, cut out of its graph: text encoder with durations, flow, decoder, table of speakers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack_importers.graphs import Graph
from voxstack_importers.vits_parts import Parts
from voxstack_packager import OnnxSource

if TYPE_CHECKING:
    from onnx import NodeProto

    from voxstack_importers.vits_original import Said

TOKENS, SPEAKER = "tokens", "speaker_embedding"


@dataclass(frozen=True)
class Inputs:
    """What a whole VITS graph takes, by what it is.

    :param tokens: name of the input, (batch, tokens) int64; ``lengths``: (batch,) int64.
    :param length: names of tensors that durations are multiplied by, and ``duration_scale``: that their noise is multiplied by.
    :param speaker: name of the input that is the number of the speaker, or None.
    """

    tokens: str
    lengths: str
    length: Sequence[str]
    duration_scale: Sequence[str]
    speaker: str | None


def networks(
    graph: Graph, parts: Parts, inputs: Inputs, said: Said, ids: Sequence[int], default_length: float, speakers: int
) -> list[OnnxSource]:
    """Cut the networks out, each with what the original gave in one run as its golden vectors.

    :param said: that run.
    :param ids: tokens that the voice knows.
    :param default_length: what durations are multiplied by where ``rate`` is 1.
    """
    made = [
        _text(graph, parts, inputs, said, ids, default_length),
        _flow(graph, parts, said),
        _decoder(graph, parts, said),
    ]
    return [*made, _speakers(graph, parts, inputs.speaker, said, speakers)] if inputs.speaker else made


def _text(
    graph: Graph, parts: Parts, inputs: Inputs, said: Said, ids: Sequence[int], default_length: float
) -> OnnxSource:
    from onnx import helper

    node = helper.make_node
    constants = {
        "one": np.array([1], np.int64),
        "scalars": np.array([-1, 1, 1], np.int64),
        "flat": np.array([0, -1], np.int64),
    }
    constants["default_length"] = np.array(default_length, np.float32)
    before = [node("Identity", [TOKENS], [inputs.tokens]), node("Cast", ["mask"], ["marked"], to=7)]
    before += [node("ReduceSum", ["marked", "one"], [inputs.lengths], keepdims=0)]
    given: dict[str, Any] = {TOKENS: ("int64", ["batch", TOKENS]), "mask": ("float32", ["batch", TOKENS], True)}
    given["rate"] = ("float32", ["batch"])
    before += [node("Div", ["default_length", "rate"], ["length"])]
    before += [node("Reshape", ["length", "scalars"], [name]) for name in inputs.length]
    if parts.duration_noise is not None:
        given |= {"noise_w": ("float32", ["batch"]), "duration_noise": ("float32", ["batch", TOKENS, 2])}
        before += [node("Reshape", ["noise_w", "scalars"], [name]) for name in inputs.duration_scale]
        before += [_turned("duration_noise", parts.duration_noise)]
    channels = said.means.shape[2]
    given |= _speaker_input(parts, said, before, constants)
    after = [
        node("Concat", [parts.means, parts.logs], ["encoded"], axis=2),
        node("Reshape", [parts.durations, "flat"], ["durations"]),
    ]
    outputs = {"encoded": ("float32", ["batch", TOKENS, 2 * channels]), "durations": ("float32", ["batch", TOKENS])}

    def examples(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
        rows, count = sizes["batch"], sizes[TOKENS]
        drawn: dict[str, Any] = {TOKENS: rng.choice(ids, (rows, count)), "rate": rng.uniform(0.5, 2, rows)}
        drawn |= {"noise_w": rng.uniform(0, 1, rows), "duration_noise": rng.standard_normal((rows, count, 2))}
        drawn[SPEAKER] = rng.standard_normal((rows, said.speaker.shape[1])) if said.speaker is not None else None
        return {name: drawn[name].astype(kind[0]) for name, kind in given.items() if name != "mask"}

    golden = {TOKENS: said.tokens, "mask": np.ones(said.tokens.shape, np.float32), "rate": np.float32([1])}
    golden |= {"noise_w": said.scales[2:], "duration_noise": said.duration_noise, SPEAKER: said.speaker_row}
    return OnnxSource(
        name="text",
        role="encoder",
        description="Tokens to the prior of the latents, means and logarithms of deviations, and to whole frames",
        model=graph.part(before, after, _plain(given), outputs, constants),
        inputs=given,
        outputs=outputs,
        examples=examples,
        golden=(
            {name: golden[name] for name in given},
            {"encoded": np.concatenate([said.means, said.logs], 2), "durations": said.durations[:, 0]},
        ),
    )


def _flow(graph: Graph, parts: Parts, said: Said) -> OnnxSource:
    from onnx import helper

    channels = said.sample.shape[1]
    constants = {"middle": np.array([0, 1, -1], np.int64)}
    before = [_turned("frames", parts.sample), helper.make_node("Reshape", ["mask", "middle"], [parts.mask])]
    given: dict[str, Any] = {
        "frames": ("float32", ["batch", "frames", channels]),
        "mask": ("float32", ["batch", "frames"], True),
    }
    given |= _speaker_input(parts, said, before, constants)
    outputs = {"latents": ("float32", ["batch", "frames", channels])}
    golden = {
        "frames": said.sample.transpose(0, 2, 1),
        "mask": np.ones((1, said.sample.shape[2]), np.float32),
        SPEAKER: said.speaker_row,
    }
    arrays = {name: golden[name] for name in given}
    return OnnxSource(
        name="flow",
        role="decoder",
        description="What was sampled of the prior to latents: the flow, backwards",
        model=graph.part(before, [_turned(parts.latents, "latents")], _plain(given), outputs, constants),
        inputs=given,
        outputs=outputs,
        examples={name: array for name, array in arrays.items() if name != "mask"},
        streaming="frames",
        golden=(arrays, {"latents": said.latents.transpose(0, 2, 1)}),
    )


def _decoder(graph: Graph, parts: Parts, said: Said) -> OnnxSource:
    from onnx import helper

    before, constants = [_turned("latents", parts.latents)], {}
    given: dict[str, Any] = {"latents": ("float32", ["batch", "frames", said.latents.shape[1]])}
    given |= _speaker_input(parts, said, before, constants)
    outputs = {"samples": ("float32", ["batch", "samples"])}
    golden = {"latents": said.latents.transpose(0, 2, 1), SPEAKER: said.speaker_row}
    arrays = {name: golden[name] for name in given}
    return OnnxSource(
        name="decoder",
        role="decoder",
        description="Latents to samples: HiFi-GAN",
        model=graph.part(
            before, [helper.make_node("Flatten", [parts.samples], ["samples"])], _plain(given), outputs, constants
        ),
        inputs=given,
        outputs=outputs,
        examples=arrays,
        streaming="frames",
        golden=(arrays, {"samples": said.samples.reshape(1, -1)}),
    )


def _speakers(graph: Graph, parts: Parts, number: str, said: Said, speakers: int) -> OnnxSource:
    from onnx import helper

    assert parts.speaker is not None, "there is an input for it"
    node = helper.make_node
    before, after = [node("Identity", ["speaker_id"], [number])], [node("Flatten", [parts.speaker], [SPEAKER])]
    inputs, outputs = {"speaker_id": ("int64", ["batch"])}, {SPEAKER: ("float32", ["batch", said.speaker_row.shape[1]])}
    return OnnxSource(
        name="speakers",
        role="encoder",
        description="The embedding of each speaker",
        model=graph.part(before, after, inputs, outputs),
        inputs=inputs,
        outputs=outputs,
        examples=lambda rng, sizes: {"speaker_id": rng.integers(0, speakers, sizes["batch"])},
        golden=({"speaker_id": np.array([said.speaker_id])}, {SPEAKER: said.speaker_row}),
    )


def _speaker_input(
    parts: Parts, said: Said, before: list[NodeProto], constants: dict[str, np.ndarray]
) -> dict[str, Any]:
    """The input that says who speaks, where a network takes that; it is made what the graph takes."""
    from onnx import helper

    if parts.speaker is None:
        return {}
    constants["as_channels"] = np.array([0, -1, 1], np.int64)
    before.append(helper.make_node("Reshape", [SPEAKER, "as_channels"], [parts.speaker]))
    return {SPEAKER: ("float32", ["batch", said.speaker_row.shape[1]])}


def _turned(name: str, made: str) -> NodeProto:
    """Time and channels change places."""
    from onnx import helper

    return helper.make_node("Transpose", [name], [made], perm=[0, 2, 1])


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: kind[:2] for name, kind in given.items()}
