"""Golden vectors: what an addon's networks and its whole stack gave where it was made, and how far something is from it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from voxstack import AddonError
from voxstack.networks import NetworkSpec, Tensor
from voxstack_addon_spec import AddonFiles

Arrays = dict[str, np.ndarray]

SPEECH = "golden/speech.npz"


@dataclass(frozen=True)
class Speech:
    """Golden samples of a whole stack, and the request that they answer."""

    text: str
    controls: Mapping[str, Any]
    samples: np.ndarray


def of_network(name: str) -> str:
    """Return the file with the golden vectors of a network."""
    return f"golden/{name}.npz"


def network(files: AddonFiles, name: str, spec: NetworkSpec) -> tuple[Arrays, Arrays]:
    """Return inputs and outputs of a network.

    :param files: of the addon whose own network it is.
    :raises AddonError: if they are missing, empty, not finite, or not those of this network.
    """
    file = of_network(name)
    arrays = _arrays(files, file)
    inputs, outputs = (
        {key.removeprefix(side): arrays.pop(key) for key in sorted(arrays) if key.startswith(side)} for side in _SIDES
    )
    if arrays:
        raise AddonError(
            file, f"has {sorted(arrays)}, which are neither 'inputs.NAME' nor 'outputs.NAME'; make it anew"
        )
    _check_names(file, spec, inputs.keys(), outputs.keys())
    sizes: dict[str, int] = {}
    for side, tensors, found in (("inputs", spec.inputs, inputs), ("outputs", spec.outputs, outputs)):
        for key, array in found.items():
            _check_array(file, f"{side}.{key}", array, tensors[key], sizes)
    return inputs, outputs


def speech(files: AddonFiles) -> Speech | None:
    """Return the golden samples of the whole stack; None if the addon has none.

    :raises AddonError: if they are damaged, empty, or not finite.
    """
    if SPEECH not in files.config["files"] and SPEECH not in files.config.get("golden", ()):
        return None
    arrays = _arrays(files, SPEECH)
    if set(arrays) != {"request.text", "request.controls", "outputs.samples"}:
        raise AddonError(
            SPEECH, f"has {sorted(arrays)}, not outputs.samples, request.controls and request.text; make it anew"
        )
    text, controls = (_text(arrays[f"request.{key}"]) for key in ("text", "controls"))
    try:
        parsed = json.loads(controls or "")
    except ValueError as error:
        raise AddonError(SPEECH, f"request.controls is no JSON ({error}); make it anew") from error
    if not text or not isinstance(parsed, dict):
        raise AddonError(SPEECH, "request.text is not one text, or request.controls no JSON object; make it anew")
    _check_array(SPEECH, "outputs.samples", arrays["outputs.samples"], Tensor("float32", ("samples",)), {})
    return Speech(text, parsed, arrays["outputs.samples"])


def strangers(config: Mapping[str, Any]) -> list[str]:
    """Return the files that an addon lists as golden and that belong to nothing it has."""
    known = {SPEECH, *map(of_network, config["networks"])}
    return [name for name in config.get("golden", ()) if name not in known]


def difference(found: np.ndarray, wanted: np.ndarray) -> float:
    """Return the largest difference, as a part of the largest magnitude that is wanted; infinite where that is 0 and it is not met.

    :raises ValueError: saying what cannot be compared: another type or shape, values that are not finite, integers that differ.
    """
    if found.dtype != wanted.dtype or found.shape != wanted.shape:
        raise ValueError(
            f"gave {found.dtype} {list(found.shape)}, and the golden vectors have {wanted.dtype} {list(wanted.shape)}"
        )
    if wanted.dtype.kind not in "fc":
        if differing := int(np.count_nonzero(found != wanted)):
            raise ValueError(f"{differing} of {wanted.size} integers differ")
        return 0.0
    if not np.isfinite(found).all():
        raise ValueError(f"gave {np.count_nonzero(~np.isfinite(found))} values that are not finite")
    distance = float(np.abs(found.astype(np.float64) - wanted).max())
    peak = float(np.abs(wanted).max())
    return distance / peak if peak else np.inf if distance else 0.0


_SIDES = ("inputs.", "outputs.")


def _arrays(files: AddonFiles, file: str) -> Arrays:
    if file not in files.config["files"]:
        raise AddonError(
            file, "there is no such file, so nothing can be checked; make golden vectors with the packager"
        )
    try:
        with np.load(files.path(file), allow_pickle=False) as opened:
            return dict(opened)
    except (
        OSError,
        ValueError,
        EOFError,
        TypeError,
        AttributeError,
        zipfile.BadZipFile,
    ) as error:  # numpy has no kind of its own
        raise AddonError(file, f"is no .npz of plain arrays ({error}); make it anew") from error


def _check_names(file: str, spec: NetworkSpec, inputs: Any, outputs: Any) -> None:
    wrong = [f"inputs.{name}" for name in sorted(inputs - spec.inputs.keys())]
    wrong += [f"outputs.{name}" for name in sorted(outputs - spec.outputs.keys())]
    missing = [f"inputs.{name}" for name in sorted(spec.needs - inputs)]
    missing += [f"outputs.{name}" for name in sorted(set(spec.streamed) - outputs)]
    if wrong or missing:
        told = [f"lacks {missing}"] * bool(missing) + [f"has {wrong}, which the network has not"] * bool(wrong)
        raise AddonError(file, f"{' and '.join(told)}; make it anew")


def _check_array(file: str, name: str, array: np.ndarray, tensor: Tensor, sizes: dict[str, int]) -> None:
    fits = array.dtype == tensor.dtype and array.ndim == len(tensor.shape)
    for axis, size in zip(tensor.shape, array.shape, strict=False):
        fits = fits and size == (sizes.setdefault(axis, size) if isinstance(axis, str) else axis)
    if not fits:
        found = f"{array.dtype} {list(array.shape)}"
        raise AddonError(
            file, f"{name} is {found}, and the network has {tensor.dtype} {list(tensor.shape)}; make it anew"
        )
    if not array.size:
        raise AddonError(file, f"{name} is empty, so nothing can be checked; make it anew")
    if array.dtype.kind in "fc" and not np.isfinite(array).all():
        raise AddonError(file, f"{name} has values that are not finite; make it anew")


def _text(array: np.ndarray) -> str | None:
    return str(array) if array.dtype.kind == "U" and array.ndim == 0 else None
