"""The graph of a MeloTTS voice, brought into the form of a VITS that can be cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from voxstack_importers.graphs import Graph, operator

if TYPE_CHECKING:
    from onnx import ModelProto

INPUTS = ("x", "x_lengths", "tones", "sid", "noise_scale", "length_scale", "noise_scale_w")
"""Inputs of a graph that is exported for sherpa-onnx."""

SCALES = ("noise_scale", "length_scale", "noise_scale_w")
"""Those that the whole VITS graphs of other software have in one input, ``scales``, in this order."""

LANGUAGES = {"English": "en", "Chinese + English": "zh", "Chinese": "zh"}


class MeloVoice(NamedTuple):
    """A voice as the metadata of its graph describes it.

    :param speaker_input: the input with the number of the speaker; None for a voice with one.
    :param blank: whether there is a blank between all phones.
    """

    speakers: int
    speaker_input: str | None
    sample_rate: int
    language: str
    license: str
    blank: bool


def prepare(model: ModelProto, file: str) -> tuple[ModelProto, MeloVoice]:
    """Return the graph with the inputs of other VITS graphs and without what has no effect, and what its metadata says.

    :param model: the graph as it was exported, which is changed.
    :param file: its name, for errors.
    :raises PackagingError: if it is not a graph of MeloTTS for sherpa-onnx.
    """
    graph = Graph(model, file)
    if set(graph.inputs) != set(INPUTS):
        raise graph.refusal(f"takes {graph.inputs}; a MeloTTS voice for sherpa-onnx takes {list(INPUTS)}")
    metadata = graph.metadata
    missing = [key for key in ("sample_rate", "n_speakers", "language") if key not in metadata]
    if missing:
        raise graph.refusal(f"has no {missing} in its metadata; add them (onnx.helper.set_model_props)")
    speakers = int(metadata["n_speakers"])
    _remove_terms_of_zero(graph)
    _join_scales(model)
    if speakers == 1:
        _fix_speaker(model, int(metadata.get("speaker_id", 0)))
    return model, MeloVoice(
        speakers=speakers,
        speaker_input="sid" if speakers > 1 else None,
        sample_rate=int(metadata["sample_rate"]),
        language=LANGUAGES.get(metadata["language"], metadata["language"].lower()),
        license={"MIT license": "MIT"}.get(metadata.get("license", ""), "LicenseRef-Unknown"),
        blank=metadata.get("add_blank", "0") == "1",
    )


def _remove_terms_of_zero(graph: Graph) -> None:
    """Replace sums with a term that is multiplied by 0 by their other term.

    MeloTTS mixes two predictors of durations, and the exported graphs compute one of them, which draws noise, for
    nothing.
    """
    for node in graph.model.graph.node:
        if node.op_type != "Add":
            continue
        for term, other in (node.input, node.input[::-1]):
            product = graph.producers.get(term)
            factors = [] if product is None or product.op_type != "Mul" else [graph.constant(n) for n in product.input]
            if any(factor is not None and factor.size == 1 and not factor.any() for factor in factors):
                node.CopyFrom(operator("Identity", [other], node.output[0], name=node.name))
                break


def _join_scales(model: ModelProto) -> None:
    from onnx import TensorProto, helper, numpy_helper

    for value in [value for value in model.graph.input if value.name in SCALES]:
        model.graph.input.remove(value)
    model.graph.input.append(helper.make_tensor_value_info("scales", TensorProto.FLOAT, [len(SCALES)]))
    for index, name in enumerate(SCALES):
        model.graph.initializer.append(numpy_helper.from_array(np.array([index], np.int64), f"scales/{index}"))
        model.graph.node.append(operator("Gather", ["scales", f"scales/{index}"], name, axis=0))


def _fix_speaker(model: ModelProto, number: int) -> None:
    """Make the number of the speaker a constant."""
    from onnx import numpy_helper

    model.graph.input.remove(next(value for value in model.graph.input if value.name == "sid"))
    model.graph.initializer.append(numpy_helper.from_array(np.array([number], np.int64), "sid"))
