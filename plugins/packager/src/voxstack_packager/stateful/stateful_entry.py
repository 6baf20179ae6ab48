"""The stateful form of a network in its addon: its files, its measurements, and its entry in addon.json."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from voxstack.networks import NetworkSpec, Runner
from voxstack_packager.errors import PackagingError
from voxstack_packager.export.convolutions import use_2d_convolutions
from voxstack_packager.export.shared_weights import save_with_shared_weights
from voxstack_packager.export.weight_table import read_shared_weights
from voxstack_packager.json_entries import tensors_entry
from voxstack_packager.measure.measured import check_error
from voxstack_packager.measure.stream_exactness import run_stream, state_batch_invariance, state_exactness
from voxstack_packager.measure.time_limit import TimeLimit
from voxstack_packager.runners import onnx_runner
from voxstack_packager.signature import MakeExamples, default_sizes
from voxstack_packager.stateful.conversion import stateful_form

STATE_LIMIT, BATCH_LIMIT = 1e-5, 1e-3
"""Largest errors that are accepted, relative to the scale of the output."""

OTHER_OUTPUT = "its stateful form produces another output than the network on the whole; leave 'stateful' out"
SHIFTING_CHUNKS = "its stateful form produces another output in chunks of {cut} steps than uncut; leave 'stateful' out"
MIXED_STREAMS = "a stream in a batch produces another output than alone; compute nothing over the batch axis"
NOT_RUNNING = "its stateful form does not run ({error}); leave 'stateful' out"
NOT_DETERMINISTIC = "two streams of the same inputs differ; there is noise inside: make it an input"


def with_stateful_form(
    folder: Path,
    name: str,
    spec: Mapping[str, Any],
    examples: MakeExamples,
    progress: Callable[[str], None] = print,
    limit: TimeLimit | None = None,
) -> dict[str, Any]:
    """Return the entry of a windowed network with its stateful form, and write the files of that form.

    Both ONNX exports then share one file of weights.

    :param folder: contains the files of the network.
    :param limit: of the time that measurements take; by default a new one.
    :raises PackagingError: if there is no stateful form, or it is not exact.
    """
    exports = [dict(export) for export in spec["exports"]]
    plain = next((export for export in exports if export["format"] == "onnx"), None)
    if plain is None or "left" not in spec.get("streaming", {}):
        raise PackagingError(name, "has no 'streaming' in windows, or no ONNX export, to make a stateful form of")
    form = _write_form(folder, name, spec, examples, plain)
    for export in exports:
        if export["format"] == "pt2" and "parameters" in export:
            # raises if the weights are at other offsets now
            read_shared_weights(folder / export["symbol"], folder / export["parameters"])
    network = NetworkSpec.of(name, {**spec, "exports": exports, "stateful": form}, "", folder.joinpath, trusted=False)
    try:
        form["measured"] = _measure(folder, network, examples, limit or TimeLimit(name, progress))
    except PackagingError:
        raise
    except Exception as error:  # the errors of ONNX Runtime have no class in common
        raise PackagingError(name, NOT_RUNNING.format(error=error)) from error
    states = form["streaming"]["states"]
    progress(f"{name}: stateful form, {len(states)} states; {json.dumps(form['measured'])}")
    entry = {key: value for key, value in spec.items() if key not in ("measured", "stateful")}
    return {**entry, "exports": exports, "stateful": form, "measured": spec["measured"]}


def _write_form(
    folder: Path, name: str, spec: Mapping[str, Any], examples: MakeExamples, plain: dict[str, Any]
) -> dict[str, Any]:
    """Write the stateful form and the plain export, and return ``stateful`` without its measurements.

    :param plain: the entry of the plain export, to which the shared file of weights is added.
    """
    import onnx

    streaming = spec["streaming"]
    signature = NetworkSpec.of(name, spec, "", folder.joinpath, trusted=False)
    model = onnx.load(folder / plain["symbol"])
    form = stateful_form(model, signature, examples, streaming["axis"], name, streaming.get("input"))
    for written in (model, form.model):
        use_2d_convolutions(written)
    plain["parameters"] = f"{name}.onnx.data"
    export = {"format": "onnx", "symbol": f"{name}.stateful.onnx", "parameters": plain["parameters"]}
    models = {folder / plain["symbol"]: model, folder / export["symbol"]: form.model}
    save_with_shared_weights(models, folder / plain["parameters"])
    return {
        "inputs": tensors_entry(form.inputs),
        "outputs": tensors_entry(form.outputs),
        "streaming": form.streaming,
        "exports": [export],
    }


def _measure(folder: Path, spec: NetworkSpec, examples: MakeExamples, limit: TimeLimit) -> dict[str, Any]:
    """Return the ``measured`` of the stateful form.

    :raises PackagingError: if an error is above its limit, or the time is.
    """
    limit.stage = "its stateful form"
    form, windowed = spec.stateful, spec.streaming
    assert form is not None, "its entry was just created"
    assert windowed is not None, "only a windowed network has a stateful form"
    plain, run = (limit.watch(onnx_runner(folder / network.exports["onnx"][0])) for network in (spec, form))
    return measure_form(plain, spec, run, form, examples, windowed.left)


def measure_form(
    plain: Runner, spec: NetworkSpec, run: Runner, form: NetworkSpec, examples: MakeExamples, left: int
) -> dict[str, Any]:
    """Return the ``measured`` of a stateful form.

    :param plain: the network itself, whose spec is ``spec``; ``run``: the form.
    :param left: steps before its own that an output of the network depends on.
    :raises PackagingError: if an error is above its limit.
    """
    errors = state_exactness(plain, spec, run, form, examples, left)
    if not _is_deterministic(run, form, spec, examples):
        raise PackagingError(spec.name, NOT_DETERMINISTIC)
    batch_error = state_batch_invariance(run, form, spec, examples)
    return {
        "deterministic": True,
        "batch_error": check_error(spec.name, batch_error, BATCH_LIMIT, MIXED_STREAMS),
        "source_error": check_error(spec.name, errors.source, STATE_LIMIT, OTHER_OUTPUT),
        "chunk_error": {
            cut: check_error(spec.name, error, STATE_LIMIT, SHIFTING_CHUNKS.format(cut=cut))
            for cut, error in errors.chunks.items()
        },
    }


def _is_deterministic(run: Runner, form: NetworkSpec, spec: NetworkSpec, examples: MakeExamples) -> bool:
    assert form.streaming is not None, "a stateful form streams"
    axis, right = form.streaming.axis, form.streaming.right
    inputs = examples(default_sizes(spec, **{axis: right + 40}), 0)
    needed = {name: inputs[name] for name in form.needs}
    first, second = (run_stream(run, form, needed, [right + 20, 20]) for _ in range(2))
    return all(np.array_equal(first[name], second[name]) for name in first)
