"""Networks that stream in a stateful form only: recurrences, whose receptive field is infinite."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from voxstack.networks import NetworkSpec
from voxstack_packager.errors import PackagingError
from voxstack_packager.export.convolutions import use_2d_convolutions
from voxstack_packager.export.onnx_export import INLINE_LIMIT
from voxstack_packager.export.shared_weights import save_with_external_data
from voxstack_packager.json_entries import tensors_entry
from voxstack_packager.measure.exactness import CHUNKS
from voxstack_packager.measure.time_limit import TimeLimit
from voxstack_packager.runners import onnx_runner
from voxstack_packager.signature import MakeExamples
from voxstack_packager.stateful.conversion import stateful_form
from voxstack_packager.stateful.stateful_entry import NOT_RUNNING, measure_form


def only_stateful(
    folder: Path,
    name: str,
    spec: Mapping[str, Any],
    streaming: Mapping[str, Any],
    examples: MakeExamples,
    limit: TimeLimit,
    progress: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Return the entry of a network in its stateful form, and write that form in place of its exports.

    :param spec: the entry of the network without ``streaming``.
    :param streaming: its ``axis`` and, if set, its ``input``.
    :param limit: of the time that measurements take.
    :raises NoStatefulForm: naming the operator that mixes steps in another way.
    :raises PackagingError: if the form is not exact.
    """
    import onnx

    plain = next(export for export in spec["exports"] if export["format"] == "onnx")
    signature = NetworkSpec.of(name, spec, "", folder.joinpath, trusted=False)
    limit.stage = "its stateful form"
    run = limit.watch(onnx_runner(folder / plain["symbol"]))
    model = onnx.load(folder / plain["symbol"])
    form = stateful_form(model, signature, examples, streaming["axis"], name, streaming.get("input"))
    use_2d_convolutions(form.model)
    for file in {export[key] for export in spec["exports"] for key in ("symbol", "parameters") if key in export}:
        (folder / file).unlink()
    export = _write(folder / plain["symbol"], form.model)
    entry: dict[str, Any] = {key: spec[key] for key in ("role", "description") if key in spec}
    entry |= {"inputs": tensors_entry(form.inputs), "outputs": tensors_entry(form.outputs)}
    entry |= {"streaming": form.streaming, "exports": [export]}
    network = NetworkSpec.of(name, entry, "", folder.joinpath, trusted=False)
    opened = limit.watch(onnx_runner(folder / export["symbol"]))
    try:
        measured = measure_form(run, signature, opened, network, examples, 2 * max(CHUNKS))
    except PackagingError:
        raise
    except Exception as error:  # the errors of ONNX Runtime have no class in common
        raise PackagingError(name, NOT_RUNNING.format(error=error)) from error
    kept = {key: value for key, value in spec["measured"].items() if key in ("scale", "weights", "original_error")}
    measured["source_error"] = max(measured["source_error"], spec["measured"]["source_error"])
    states = len(form.streaming["states"])
    progress(f"{name}: a recurrence, so it streams with {states} states only, in onnx; {json.dumps(measured)}")
    return {**entry, "measured": {**kept, **measured, "mask_error": {}}}


def _write(path: Path, model: Any) -> dict[str, str]:
    import onnx

    if model.ByteSize() > INLINE_LIMIT:
        return save_with_external_data(path, model)
    onnx.save_model(model, path)
    return {"format": "onnx", "symbol": path.name}
