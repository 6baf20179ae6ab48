"""Golden vectors: recorded inputs and outputs of an addon's networks and of its whole stack.

They were recorded where the addon was built: ``golden/NETWORK.npz`` for each network, ``golden/speech.npz`` for the
stack.
"""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import numpy as np

from voxstack import AddonError
from voxstack.networks import NetworkSpec, Tensor
from voxstack_addon_spec import AddonFiles

Arrays = dict[str, np.ndarray]

SPEECH = "golden/speech.npz"
REMEDY = "record it again with the packager"

MAX_SIZE = 256 * 1024**2
"""Bytes of all arrays of one file; a small file may unpack to any size."""

DAMAGED = (
    *(OSError, ValueError, EOFError, TypeError, AttributeError, KeyError, RuntimeError, MemoryError, OverflowError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)
"""Errors of damaged files, for which numpy has no class of its own."""

_SIDES = ("inputs.", "outputs.")


@dataclass(frozen=True)
class GoldenSpeech:
    """A request, and the golden samples of the whole stack for it: (samples,) float32."""

    text: str
    controls: Mapping[str, Any]
    samples: np.ndarray


def network_file(name: str) -> str:
    """Return the path of a network's golden vectors in its addon."""
    return f"golden/{name}.npz"


def network_vectors(files: AddonFiles, name: str, spec: NetworkSpec) -> tuple[Arrays, Arrays]:
    """Return the golden inputs and outputs of a network.

    :param files: of the addon that owns the network.
    :raises AddonError: if they are missing, empty, not finite, or do not match the network.
    """
    file = network_file(name)
    arrays = _read(files, file)
    inputs, outputs = (
        {key.removeprefix(side): arrays.pop(key) for key in sorted(arrays) if key.startswith(side)} for side in _SIDES
    )
    if arrays:
        raise AddonError(file, f"has {sorted(arrays)}, which are neither 'inputs.NAME' nor 'outputs.NAME'; {REMEDY}")
    _check_names(file, spec, inputs.keys(), outputs.keys())
    sizes: dict[str, int] = {}
    for side, tensors, found in (("inputs", spec.inputs, inputs), ("outputs", spec.outputs, outputs)):
        for key, array in found.items():
            _check_array(file, f"{side}.{key}", array, tensors[key], sizes)
    return inputs, outputs


def speech_vectors(files: AddonFiles) -> GoldenSpeech | None:
    """Return the golden speech of the whole stack, or None if the addon has none.

    :raises AddonError: if it is damaged, empty or not finite.
    """
    if SPEECH not in files.config["files"] and SPEECH not in files.config.get("golden", ()):
        return None
    arrays = _read(files, SPEECH)
    if set(arrays) != {"request.text", "request.controls", "outputs.samples"}:
        problem = f"has {sorted(arrays)} instead of outputs.samples, request.controls and request.text"
        raise AddonError(SPEECH, f"{problem}; {REMEDY}")
    text, controls = (_text(arrays[f"request.{key}"]) for key in ("text", "controls"))
    try:
        parsed = json.loads(controls or "")
    except ValueError as error:
        raise AddonError(SPEECH, f"request.controls is not valid JSON ({error}); {REMEDY}") from error
    if not text or not isinstance(parsed, dict):
        raise AddonError(SPEECH, f"request.text is not a text, or request.controls is not a JSON object; {REMEDY}")
    _check_array(SPEECH, "outputs.samples", arrays["outputs.samples"], Tensor("float32", ("samples",)), {})
    return GoldenSpeech(text, parsed, arrays["outputs.samples"])


def unmatched_files(config: Mapping[str, Any]) -> list[str]:
    """Return the files that an addon lists as golden but that belong to neither its stack nor any of its networks."""
    known = {SPEECH, *map(network_file, config["networks"])}
    return [name for name in config.get("golden", ()) if name not in known]


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest absolute difference, relative to the largest magnitude of ``expected``.

    It is infinite where all of ``expected`` is 0 and ``found`` is not; integers have to be equal, and their error is
    0.

    :raises ValueError: if the arrays cannot be compared: types or shapes differ, values are not finite, integers
        differ.
    """
    if found.dtype != expected.dtype or found.shape != expected.shape:
        actual = f"{found.dtype} {list(found.shape)}"
        raise ValueError(f"returned {actual}, and the golden vectors have {expected.dtype} {list(expected.shape)}")
    if expected.dtype.kind not in "fc":
        if differing := int(np.count_nonzero(found != expected)):
            raise ValueError(f"{differing} of {expected.size} integers differ")
        return 0.0
    if not np.isfinite(found).all():
        raise ValueError(f"returned {np.count_nonzero(~np.isfinite(found))} values that are not finite")
    difference = float(np.abs(found.astype(np.float64) - expected).max())
    peak = float(np.abs(expected).max())
    return difference / peak if peak else np.inf if difference else 0.0


def _read(files: AddonFiles, file: str) -> Arrays:
    if file not in files.config["files"]:
        raise AddonError(
            file, "there is no such file, so nothing can be checked; record golden vectors with the packager"
        )
    try:
        with np.load(files.path(file), allow_pickle=False) as arrays:
            size = sum(member.file_size for member in arrays.zip.infolist())
            if size > MAX_SIZE:
                raise ValueError(f"it unpacks to {size} bytes, and at most {MAX_SIZE} are read")
            return dict(arrays)
    except DAMAGED as error:
        raise AddonError(file, f"is not an .npz file of plain arrays ({error}); {REMEDY}") from error


def _check_names(file: str, spec: NetworkSpec, inputs: AbstractSet[str], outputs: AbstractSet[str]) -> None:
    unknown = [f"inputs.{name}" for name in sorted(inputs - spec.inputs.keys())]
    unknown += [f"outputs.{name}" for name in sorted(outputs - spec.outputs.keys())]
    missing = [f"inputs.{name}" for name in sorted((spec.needs | spec.provided) - inputs)]
    missing += [f"outputs.{name}" for name in sorted(set(spec.streamed) - outputs)]
    if unknown or missing:
        problems = [f"lacks {missing}"] * bool(missing)
        problems += [f"has {unknown}, which the network does not have"] * bool(unknown)
        raise AddonError(file, f"{' and '.join(problems)}; {REMEDY}")


def _check_array(file: str, name: str, array: np.ndarray, tensor: Tensor, sizes: dict[str, int]) -> None:
    fits = array.dtype == tensor.dtype and array.ndim == len(tensor.shape)
    for axis, size in zip(tensor.shape, array.shape, strict=False):
        fits = fits and size == (sizes.setdefault(axis, size) if isinstance(axis, str) else axis)
    if not fits:
        actual = f"{array.dtype} {list(array.shape)}"
        problem = f"{name} is {actual}, and the network declares {tensor.dtype} {list(tensor.shape)}"
        raise AddonError(file, f"{problem}; {REMEDY}")
    if not array.size:
        raise AddonError(file, f"{name} is empty, so nothing can be checked; {REMEDY}")
    if array.dtype.kind in "fc" and not np.isfinite(array).all():
        raise AddonError(file, f"{name} has values that are not finite; {REMEDY}")


def _text(array: np.ndarray) -> str | None:
    return str(array) if array.dtype.kind == "U" and array.ndim == 0 else None
