"""Candidates: the requested contexts, or all that can be tried on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from voxstack import ContextError, Registry
from voxstack.networks import Context, ContextLike
from voxstack.networks.addon import Addon
from voxstack.networks.opening import available_devices
from voxstack_addon_spec import AddonFiles
from voxstack_bench.contexts import are_equivalent


@dataclass(frozen=True)
class Candidate:
    """A context to try.

    :param label: unique, for people.
    :param requested: the context as it is requested; None: the addon's own default.
    :param context: the context that it resolves to.
    :param explicit: whether the caller requested it.
    """

    label: str
    requested: ContextLike | None
    context: Context
    explicit: bool

    @property
    def threads(self) -> int:
        """The largest number of threads of any network."""
        return max(place.threads for place in (self.context, *self.context.networks.values()))


Resolved = tuple[str, ContextLike | None, Context]
"""The label of a context, the context as it is requested, and the one that it resolves to."""


def find_candidates(
    files: AddonFiles,
    registry: Registry,
    requested: Iterable[ContextLike] | None,
    trust: bool,
    progress: Callable[[str], None],
) -> tuple[list[Candidate], dict[str, str]]:
    """Return the contexts to try, and the error of each context of the addon that cannot be resolved, by label.

    :param requested: contexts to try; None: all that the addon names, and all devices of this machine that these do not
        cover.
    :raises ContextError: if a requested context does not exist or is requested twice, or if ``requested`` is empty.
    """

    def resolve(value: ContextLike | None) -> Context:
        return Addon(files, registry, value, trust).context

    if requested is not None:
        values = list(requested)
        if not values:
            raise ContextError("the list of contexts is empty; give at least one, or None for all available contexts")
        return _to_candidates([(_label(value), value, resolve(value)) for value in values], explicit=True), {}
    found: list[Resolved] = []
    broken: dict[str, str] = {}
    for name in files.config.get("contexts", {}) or {"default": None}:
        value = None if name == "default" else name
        try:
            found.append((name, value, resolve(value)))
        except ContextError as error:
            broken[name] = str(error)
    for device, context in _resolve_devices(registry, resolve, progress):
        if not any(are_equivalent(context, other) for _, _, other in found):
            found.append((device, device, context))
    return _to_candidates(found, explicit=False), broken


def _resolve_devices(
    registry: Registry, resolve: Callable[[str], Context], progress: Callable[[str], None]
) -> Iterable[tuple[str, Context]]:
    """Yield each device of this machine with its context; report invalid devices and plugins that cannot list any."""
    before = set(registry.broken)
    devices = available_devices(registry)
    for name in registry.broken.keys() - before:
        progress(f"plugin {name!r} cannot list its devices: {registry.broken[name]!r}")
    for device in devices:
        try:
            yield device, resolve(device)
        except ContextError as error:
            progress(f"a plugin lists {device!r}, which is not a device: {error}")


def _label(value: ContextLike) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _to_candidates(found: Sequence[Resolved], explicit: bool) -> list[Candidate]:
    """Return candidates with unique labels.

    :raises ContextError: if two labels are equal.
    """
    candidates: dict[str, Candidate] = {}
    for label, requested, context in found:
        if label in candidates:
            raise ContextError(f"the context {label} is given twice; give it once")
        candidates[label] = Candidate(label, requested, context, explicit)
    return list(candidates.values())
