"""``python -m voxstack_packager.context_process``: runs an addon's golden vectors in the contexts that exist here.

It is a process of its own, since a runtime may crash on a graph. It imports the runtimes at once, and begins when it
reads a line, before which the addon need not be there. It writes lines of JSON: ``{"context": label}`` before
each context, and after each network ``{"context", "network", "passed", ...}``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from voxstack import ContextError, VoxstackError
from voxstack.networks import Context, Network
from voxstack.networks.addon import Addon
from voxstack.networks.opening import available_devices
from voxstack.registry import Registry
from voxstack_packager.golden_speech import registry_with
from voxstack_packager.golden_vectors import golden_path
from voxstack_packager.known.known_rows import KnownRow
from voxstack_packager.known.software import software_digest
from voxstack_packager.measure.exactness import relative_error
from voxstack_packager.measure.measured import SOURCE_LIMIT

REFERENCE = "onnx:cpu"
"""The context in which golden vectors are made or compared anyway."""


def measured_rows(
    folder: Path, registry: Registry, devices: Iterable[str], skipped: Iterable[str]
) -> Iterator[dict[str, Any]]:
    """Yield the lines that the process writes.

    :param devices: the contexts beside those that the addon names, as ``runtime:device``.
    :param skipped: contexts that are left out.
    """
    named = json.loads((folder / "addon.json").read_text(encoding="utf-8")).get("contexts", {})
    for label in dict.fromkeys([*named, *map(str.lower, devices)]):
        if label in skipped or label == REFERENCE:
            continue
        try:
            addon = Addon.open(folder, registry, label, trust=True)  # it has been made here
        except VoxstackError:  # unavailable here
            continue
        if addon.context.precision != "float32" or _is_reference(addon.context):
            continue
        yield {"context": label}
        for name in addon.networks:
            if (golden := folder / golden_path(name)).is_file():
                yield from _known_rows(addon, label, name, golden)


def _is_reference(context: Context) -> bool:
    place = f"{context.runtime}:{context.device}".lower()
    return place == REFERENCE and not context.shapes and not context.options and not context.networks


def _known_rows(addon: Addon, label: str, name: str, golden: Path) -> Iterator[dict[str, Any]]:
    """Yield the row of one network as it was found before, or finds it out."""
    known = KnownRow.of(addon, label, name, golden)
    if (row := known.read()) is not None:
        yield row
        return
    for row in _network_rows(addon, label, name, golden):
        known.write(row)
        yield row


def _network_rows(addon: Addon, label: str, name: str, golden: Path) -> Iterator[dict[str, Any]]:
    """Yield the row of one network, if it can be compared there."""
    row = {"context": label, "network": name}
    addon.networks[name] = replace(addon.networks[name], refusals=())
    with np.load(golden, allow_pickle=False) as arrays:
        inputs, expected = (
            {key.removeprefix(side): arrays[key] for key in arrays.files if key.startswith(side)}
            for side in ("inputs.", "outputs.")
        )
    try:
        network = addon.network(name)
        if not network.spec.inputs.keys() - {n for n, tensor in network.spec.inputs.items() if tensor.mask} <= set(
            inputs
        ):
            return  # states and the like, which golden vectors do not have
        error = relative_error(network(**inputs), expected)
    except ContextError:  # unavailable for this network, as where it has no export for the runtime
        return
    except VoxstackError as problem:
        if not addon.context.shapes:  # golden vectors may be longer than the sizes
            yield {**row, "passed": False, "problem": f"it fails: {problem}"}
        return
    yield {**row, **_verdict(error), **_version(network)}


def _verdict(error: float) -> dict[str, Any]:
    if not np.isfinite(error):
        return {"passed": False, "problem": "an output has another length, or other whole numbers, than the golden one"}
    return {"passed": error <= SOURCE_LIMIT, "error": float(f"{error:.3g}")}


def _version(network: Network) -> Mapping[str, str]:
    version = network.effective.version
    return {} if version is None else {"version": version}


if __name__ == "__main__":
    request = json.loads(sys.argv[1])
    lenders = [None if lender is None else Path(lender) for lender in request["lenders"]]
    registry = registry_with(lenders)
    devices = available_devices(registry, request["formats"])
    software_digest()  # now, while the networks are measured
    if sys.stdin.readline():  # else the addon could not be made
        for measured in measured_rows(Path(request["folder"]), registry, devices, request["skipped"]):
            print(json.dumps(measured), flush=True)
