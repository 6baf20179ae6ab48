"""The networks of a tiny-tts voice: text, durations, flow and decoder.

What its graphs read that never changes becomes part of the networks: zeros in place of BERT, the language of each
token, and the speaker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack_importers.graphs import operator
from voxstack_importers.tiny.original import BERTS, PREFIX, TinyOriginal, TinyRun
from voxstack_importers.tiny.symbols import LANGUAGE
from voxstack_packager import OnnxSource

if TYPE_CHECKING:
    from onnx import NodeProto


@dataclass(frozen=True)
class TinyNetworks:
    """Puts each graph into the form of a network, with one run of the original as golden vectors."""

    original: TinyOriginal
    run: TinyRun

    def all(self) -> list[OnnxSource]:
        """Return all networks."""
        return [self._text(), self._durations(), self._flow(), self._decoder()]

    def _text(self) -> OnnxSource:
        hidden, means, logs, _, speaker = self.original.graphs["text_encoder"].outputs
        constants: dict[str, np.ndarray] = {
            "first": np.array([0], np.int64),
            "one": np.array([1], np.int64),
            "zero": np.array(0, np.int64),
            "step": np.array(1, np.int64),
            "two": np.array(2, np.int64),
            "language": np.array(LANGUAGE, np.int64),
            f"{PREFIX}speaker_id": np.array([0], np.int64),
            "no_features": np.zeros(1, np.float32),
        }
        constants |= {f"{name}/size": np.array([1, features], np.int64) for name, features in BERTS.items()}
        before = [
            operator("Unsqueeze", ["tokens", "first"], f"{PREFIX}phone_ids"),
            operator("Unsqueeze", ["tones", "first"], f"{PREFIX}tone_ids"),
            operator("Shape", ["tokens"], f"{PREFIX}phone_lengths"),
            operator("Size", ["tokens"], "count"),
            operator("Range", ["zero", "count", "step"], "places"),
            operator("Mod", ["places", "two"], "between_blanks"),
            operator("Mul", ["between_blanks", "language"], "languages"),
            operator("Unsqueeze", ["languages", "first"], f"{PREFIX}language_ids"),
        ]
        for name in BERTS:
            before.append(operator("Concat", [f"{name}/size", f"{PREFIX}phone_lengths"], f"{name}/shape", axis=0))
            before.append(operator("Expand", ["no_features", f"{name}/shape"], f"{PREFIX}{name}"))
        after = [
            operator("Concat", [means, logs], "prior_of_tokens", axis=1),
            *_time_first("prior_of_tokens", "encoded"),
            *_time_first(hidden, "hidden"),
            operator("Squeeze", [speaker, "ends"], "speaker_embedding"),
        ]
        ints, inputs = ("int64", ["tokens"]), ("tokens", "tones")
        outputs = {name: _declared(getattr(self.run, name), "tokens") for name in ("encoded", "hidden")}
        outputs["speaker_embedding"] = _declared(self.run.speaker_embedding)
        return self._source("text_encoder", "text", dict.fromkeys(inputs, ints), outputs, before, after, constants)

    def _durations(self) -> OnnxSource:
        (logw,) = self.original.graphs["duration_predictor"].outputs
        constants: dict[str, np.ndarray] = {"unit": np.array(1, np.float32), "mask_shape": np.array([1, 1], np.int64)}
        before = [
            *_batched("hidden", f"{PREFIX}x"),
            operator("Shape", ["hidden"], "shape"),
            operator("Slice", ["shape", "first", "one"], "count"),
            operator("Concat", ["mask_shape", "count"], "mask_size", axis=0),
            operator("Expand", ["unit", "mask_size"], f"{PREFIX}x_mask"),
            operator("Unsqueeze", ["speaker_embedding", "ends"], f"{PREFIX}g"),
        ]
        after = [
            operator("Exp", [logw], "weights"),
            operator("Div", ["unit", "rate"], "length"),
            operator("Mul", ["weights", "length"], "exact"),
            operator("Ceil", ["exact"], "whole"),
            operator("Squeeze", ["whole", "both"], "durations"),
        ]
        inputs = {"hidden": _declared(self.run.hidden, "tokens"), "speaker_embedding": self._speaker()}
        inputs["rate"] = ("float32", [])
        outputs = {"durations": ("float32", ["tokens"])}
        return self._source("duration_predictor", "durations", inputs, outputs, before, after, constants)

    def _flow(self) -> OnnxSource:
        channels = self.run.latents.shape[1]
        constants: dict[str, np.ndarray] = {
            "middle": np.array([channels], np.int64),
            "last": np.array([2 * channels], np.int64),
        }
        constants |= {"unit": np.array(1, np.float32), "mask_shape": np.array([1, 1], np.int64)}
        before = [
            operator("Slice", ["prior", "first", "middle", "one"], "means"),
            operator("Slice", ["prior", "middle", "last", "one"], "logs"),
            operator("Exp", ["logs"], "deviations"),
            operator("Mul", ["noise", "deviations"], "deviating"),
            operator("Mul", ["deviating", "noise_scale"], "scaled"),
            operator("Add", ["means", "scaled"], "sample"),
            *_batched("sample", f"{PREFIX}z_p"),
            operator("Shape", ["prior"], "shape"),
            operator("Slice", ["shape", "first", "one"], "count"),
            operator("Concat", ["mask_shape", "count"], "mask_size", axis=0),
            operator("Expand", ["unit", "mask_size"], f"{PREFIX}y_mask"),
            operator("Unsqueeze", ["speaker_embedding", "ends"], f"{PREFIX}g"),
        ]
        after = _time_first(self.original.graphs["flow"].outputs[0], "latents")
        inputs = {name: _declared(getattr(self.run, name), "frames") for name in ("prior", "noise")}
        inputs |= {"noise_scale": ("float32", []), "speaker_embedding": self._speaker()}
        outputs = {"latents": _declared(self.run.latents, "frames")}
        return self._source("flow", "flow", inputs, outputs, before, after, constants)

    def _decoder(self) -> OnnxSource:
        before = [
            *_batched("latents", f"{PREFIX}z"),
            operator("Unsqueeze", ["speaker_embedding", "ends"], f"{PREFIX}g"),
        ]
        after = [operator("Reshape", [self.original.graphs["decoder"].outputs[0], "flat"], "samples")]
        inputs = {"latents": _declared(self.run.latents, "frames"), "speaker_embedding": self._speaker()}
        constants = {"flat": np.array([-1], np.int64)}
        outputs: dict[str, Any] = {"samples": ("float32", ["samples"])}
        return self._source("decoder", "decoder", inputs, outputs, before, after, constants, streaming="frames")

    def _speaker(self) -> tuple[str, list[str | int]]:
        return _declared(self.run.speaker_embedding)

    def _source(
        self,
        file: str,
        name: str,
        inputs: Mapping[str, Any],
        outputs: Mapping[str, Any],
        before: Sequence[NodeProto],
        after: Sequence[NodeProto],
        constants: Mapping[str, np.ndarray],
        streaming: str | None = None,
    ) -> OnnxSource:
        run, axes = self.run, {"first": [0], "one": [1], "ends": [0, 2], "both": [0, 1]}
        own = {key: np.array(value, np.int64) for key, value in axes.items()} | dict(constants)
        golden = {key: np.asarray(getattr(run, key), declared[0]) for key, declared in inputs.items()}
        results = {key: np.asarray(getattr(run, key), declared[0]) for key, declared in outputs.items()}
        return OnnxSource(
            name=name,
            role="decoder" if streaming else "encoder",
            description=f"{file}.onnx of a tiny-tts voice",
            model=self.original.graphs[file].subgraph(before, after, inputs, outputs, own),
            inputs=inputs,
            outputs=outputs,
            examples=golden,
            streaming=streaming,
            golden=(golden, results),
        )


def _declared(array: np.ndarray, *axes: str) -> tuple[str, list[str | int]]:
    """Return the dtype and the axes of an array, of which the first have names."""
    return "float32", [*axes, *array.shape[len(axes) :]]


def _batched(name: str, output: str) -> list[NodeProto]:
    """Return operators from (time, features) to (1, features, time)."""
    return [operator("Transpose", [name], f"{name}/turned"), operator("Unsqueeze", [f"{name}/turned", "first"], output)]


def _time_first(name: str, output: str) -> list[NodeProto]:
    """Return operators from (1, features, time) to (time, features)."""
    return [
        operator("Squeeze", [name, "first"], f"{output}/turned"),
        operator("Transpose", [f"{output}/turned"], output),
    ]
