"""Adds the stateful form to a network whose export is written: makes it, measures it, and says so in its JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from voxstack.networks import Autoregressive, NetworkSpec, Tensor
from voxstack_packager.claims import allowed
from voxstack_packager.errors import PackagingError
from voxstack_packager.measure import MakeExamples
from voxstack_packager.parameters import shared_arrays
from voxstack_packager.runners import onnx_runner
from voxstack_packager.sharing import save_together
from voxstack_packager.signature import sizes_of
from voxstack_packager.stateful import stateful_form
from voxstack_packager.streams import state_batch_invariance, state_exactness, streamed

STATE_ERROR, BATCH_ERROR = 1e-5, 1e-3
"""Largest errors that are let through, relative to the scale of the output."""

DIFFERS = "its stateful form gives another output than the network on the whole; leave 'stateful' out"
SHIFTS = "its stateful form gives another output in chunks of {cut} steps than uncut; leave 'stateful' out"
MIXES = "a stream in a batch gives another output than alone; compute nothing over the batch axis"
NOISY = "two streams of the same inputs differ; there is noise inside: make it an input"


def with_stateful_form(
    folder: Path, name: str, spec: Mapping[str, Any], examples: MakeExamples, progress: Callable[[str], None] = print
) -> dict[str, Any]:
    """Return the JSON of a windowed network with its stateful form, and write the files of that.

    Both ONNX exports then share one file of weights.

    :param folder: where the files of the network are.
    :raises PackagingError: if it has none, or that is not exact.
    """
    import onnx

    exports = [dict(export) for export in spec["exports"]]
    plain = next((export for export in exports if export["format"] == "onnx"), None)
    streaming = spec.get("streaming", {})
    if plain is None or "left" not in streaming:
        raise PackagingError(name, "has no 'streaming' in windows, or no ONNX export, to make a stateful form of")
    signed = NetworkSpec.of(name, spec, "", folder.joinpath, trusted=False)
    model = onnx.load(folder / plain["symbol"])
    made = stateful_form(model, signed, examples, streaming["axis"], name, streaming.get("input"))
    plain["parameters"] = f"{name}.onnx.data"
    symbol = {"format": "onnx", "symbol": f"{name}.stateful.onnx", "parameters": plain["parameters"]}
    save_together(
        {folder / plain["symbol"]: model, folder / symbol["symbol"]: made.model}, folder / plain["parameters"]
    )
    for export in exports:
        if export["format"] == "pt2" and "parameters" in export:
            shared_arrays(
                folder / export["symbol"], folder / export["parameters"]
            )  # raises if weights lie elsewhere now
    form = {
        "inputs": tensors(made.inputs),
        "outputs": tensors(made.outputs),
        "streaming": made.streaming,
        "exports": [symbol],
    }
    whole = {**spec, "exports": exports, "stateful": form}
    try:
        form["measured"] = _measured(folder, NetworkSpec.of(name, whole, "", folder.joinpath, trusted=False), examples)
    except PackagingError:
        raise
    except Exception as error:  # ONNX Runtime's own have no class in common
        raise PackagingError(name, f"its stateful form does not run ({error}); leave 'stateful' out") from error
    progress(f"{name}: stateful form, {len(made.streaming['states'])} states; {json.dumps(form['measured'])}")
    return {**{key: whole[key] for key in spec if key != "measured"}, "stateful": form, "measured": spec["measured"]}


def tensors(named: Mapping[str, Tensor]) -> dict[str, Any]:
    """Inputs or outputs as addon.json has them."""
    return {
        n: {"dtype": t.dtype, "shape": list(t.shape), **({"mask": True} if t.mask else {})} for n, t in named.items()
    }


def steps(said: Autoregressive, inputs: Mapping[str, Tensor]) -> dict[str, Any]:
    """``autoregressive`` as addon.json has it."""
    states = {}
    for name, state in said.states.items():
        free = any(isinstance(axis, str) and axis != "batch" for axis in inputs[name].shape)
        states[name] = {"next": state.next, **({"steps": state.steps} if free else {})}
    more = {key: value for key, value in (("attention", said.attention), ("noise", dict(said.noise))) if value}
    return {"frames": said.frames, "stop": said.stop, "states": states, **more}


def _measured(folder: Path, spec: NetworkSpec, examples: MakeExamples) -> dict[str, Any]:
    form, windowed = spec.stateful, spec.streaming
    assert form is not None, "it was just made"
    assert windowed is not None, "only a windowed network has a stateful form"
    plain, run = (onnx_runner(folder / one.exports["onnx"][0]) for one in (spec, form))
    errors = state_exactness(plain, spec, run, form, examples, windowed.left)
    measured: dict[str, Any] = {"deterministic": _deterministic(run, form, spec, examples)}
    if not measured["deterministic"]:
        raise PackagingError(spec.name, NOISY)
    measured["batch_error"] = allowed(spec.name, state_batch_invariance(run, form, spec, examples), BATCH_ERROR, MIXES)
    measured["source_error"] = allowed(spec.name, errors.source, STATE_ERROR, DIFFERS)
    measured["chunk_error"] = {
        cut: allowed(spec.name, error, STATE_ERROR, SHIFTS.format(cut=cut)) for cut, error in errors.chunks.items()
    }
    return measured


def _deterministic(run: Any, form: NetworkSpec, signed: NetworkSpec, examples: MakeExamples) -> bool:
    assert form.streaming is not None
    inputs = examples(sizes_of(signed, **{form.streaming.axis: form.streaming.right + 40}), 0)
    given = {name: inputs[name] for name in form.needs}
    one, two = (streamed(run, form, given, [form.streaming.right + 20, 20]) for _ in range(2))
    return all(np.array_equal(one[name], two[name]) for name in one)
