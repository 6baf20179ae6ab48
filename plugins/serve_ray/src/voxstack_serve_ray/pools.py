"""Pools of replicas: which voices run where, on what, and how many replicas there are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from voxstack import RequestError, VoxstackError
from voxstack_addon_spec.wording import problem, with_path


class Bounds(NamedTuple):
    """Bounds of the number of replicas, and how it follows the demand between them.

    :param load: part of the workers' time that is in use at the number that is aimed at.
    :param up_after: seconds of more demand before replicas are added, and ``down_after`` of less before they go.
    """

    min: int = 1
    max: int = 1
    load: float = 0.6
    up_after: float = 5.0
    down_after: float = 300.0


@dataclass(frozen=True)
class Pool:
    """Equal replicas; ``pools.schema.json`` describes the fields.

    :param voices: that it has; empty: those that no other pool names.
    """

    name: str = "default"
    voices: tuple[str, ...] = ()
    replicas: Bounds = field(default_factory=Bounds)
    cpus: float = 1.0
    gpus: float = 0.0
    resources: Mapping[str, float] = field(default_factory=dict)
    context: Any = None
    budget: int | None = None
    drain: float = 300.0
    runtime_env: Mapping[str, Any] = field(default_factory=dict)

    @property
    def application(self) -> str:
        """The name of its application, and its deployment, on the cluster."""
        return f"voxstack-{self.name}"

    def names(self, source: str) -> bool:
        """Return whether it names a voice, or a folder that contains it."""
        parents = {str(parent) for parent in Path(source).parents}
        return any(voice == source or (voice != "." and str(Path(voice)) in parents) for voice in self.voices)


def pool_of(source: str, pools: Sequence[Pool]) -> Pool:
    """Return the pool of a voice.

    :raises RequestError: if no pool has it.
    """
    named = next((pool for pool in pools if pool.names(source)), None)
    found = named or next((pool for pool in pools if not pool.voices), None)
    if found is None:
        raise RequestError(
            f"no pool has the voice {source}; name it in the file of the pools, or add a pool without voices"
        )
    return found


def read_pools(path: str | Path) -> list[Pool]:
    """Read a file of pools.

    :raises VoxstackError: if it cannot be read, or is wrong, with the place.
    """
    try:
        content = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise VoxstackError(f"{path}: {error.strerror or error}; give a JSON file with pools") from error
    except ValueError as error:
        raise VoxstackError(f"{path}: {error}; write JSON") from error
    return parse_pools(content, str(path))


def parse_pools(content: Any, where: str) -> list[Pool]:
    """Return the pools of a configuration.

    :param where: it comes from, for errors.
    :raises VoxstackError: if it is wrong, with the place.
    """
    import importlib.resources

    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    text = importlib.resources.files("voxstack_serve_ray").joinpath("pools.schema.json").read_text("utf-8")
    error = best_match(Draft202012Validator(json.loads(text)).iter_errors(content))
    if error is not None:
        raise VoxstackError(f"{with_path(where, *error.absolute_path)}: {problem(error)}")
    pools = [_pool(name, entry, with_path(where, "pools", name)) for name, entry in content["pools"].items()]
    if len(unnamed := [pool.name for pool in pools if not pool.voices]) > 1:
        raise VoxstackError(f"{where}: the pools {', '.join(unnamed)} name no voices, and only one may have all others")
    return pools


def _pool(name: str, entry: Mapping[str, Any], where: str) -> Pool:
    wanted = entry.get("replicas", 1)
    bounds = Bounds(wanted, wanted) if isinstance(wanted, int) else Bounds(**wanted)
    if bounds.min > bounds.max:
        raise VoxstackError(f"{with_path(where, 'replicas')}: min is {bounds.min}, more than max, {bounds.max}")
    return Pool(**{**entry, "name": name, "replicas": bounds, "voices": tuple(entry.get("voices", ()))})
