"""Specs and contexts of networks as JSON, for the process that opens them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from voxstack import ContextError
from voxstack.networks import Autoregressive, Context, Length, NetworkSpec, State, Streaming, Tensor

_OF_THE_HOST = ("isolate", "memory", "networks", "batch", "split", "schedule", "streaming", "description", "name")
"""Keys of a context that its runtime does not read."""


def request_to_open(spec: NetworkSpec, context: Context) -> dict[str, Any]:
    """Return ``spec`` and ``context`` in JSON.

    :raises ContextError: for options that are not JSON.
    """
    config = {key: value for key, value in vars(context).items() if key not in _OF_THE_HOST}
    config["shapes"] = {axis: list(sizes) for axis, sizes in context.shapes.items()}
    try:
        json.dumps(config["options"])
    except (TypeError, ValueError, RecursionError) as error:
        raise ContextError(
            f"network {spec.name!r}: the context's 'options' go to another process, and are not JSON: {error}"
        ) from error
    return {"spec": spec_to_json(spec), "context": config}


def spec_to_json(spec: NetworkSpec) -> dict[str, Any]:
    """Return a spec in JSON, without the function that returns paths of its files."""
    config: dict[str, Any] = {}
    for name in (field.name for field in fields(spec) if field.name != "path"):
        value = getattr(spec, name)
        if name == "stateful":
            config[name] = value and spec_to_json(value)
        elif isinstance(value, Mapping):
            config[name] = {
                key: asdict(row) if hasattr(row, "__dataclass_fields__") else row for key, row in value.items()
            }
        else:
            config[name] = asdict(value) if hasattr(value, "__dataclass_fields__") else value
    return config


def spec_from_json(config: Mapping[str, Any], path: Callable[[str], Path]) -> NetworkSpec:
    """Return the spec that :func:`spec_to_json` wrote."""
    values = dict(config)
    for side in ("inputs", "outputs"):
        values[side] = {name: Tensor(**{**row, "shape": tuple(row["shape"])}) for name, row in config[side].items()}
    for key, kind in (("streaming", Streaming), ("autoregressive", Autoregressive)):
        if config[key] is not None:
            states = {name: State(**state) for name, state in config[key]["states"].items()}
            values[key] = kind(**{**config[key], "states": states})
    values["lengths"] = {axis: Length(**length) for axis, length in config["lengths"].items()}
    values["exports"] = {form: tuple(files) for form, files in config["exports"].items()}
    values["stateful"] = config["stateful"] and spec_from_json(config["stateful"], path)
    return NetworkSpec(**values, path=path)
