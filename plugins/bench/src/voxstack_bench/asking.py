"""Which contexts are meant: those asked for, or all that can be tried here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from voxstack import ContextError, Registry
from voxstack.networks import Context, ContextLike
from voxstack.networks.addon import Addon
from voxstack.networks.opening import available_devices
from voxstack_addon_spec import AddonFiles

Tell = Callable[[str], None]
"""Is told how it goes, a line at a time."""

TEXT = (
    "Good morning. Did the 8 parcels from Wrocklathen arrive? They were sent on Tuesday, by the fastest post that there is, "
    "and nobody has seen them since then. Please ask once more, and call me back before noon."
)
"""What is said by voices that speak English, unless something else is: short and long sentences, a question, a number, and a word
that is in no lexicon."""


@dataclass(frozen=True)
class Candidate:
    """A context to try.

    :param label: for people; each its own.
    :param asked: as it is asked for; None: as the addon is without any.
    :param context: what that stands for.
    :param explicit: whether somebody asked for it.
    """

    label: str
    asked: ContextLike | None
    context: Context
    explicit: bool

    @property
    def threads(self) -> int:
        """The most threads that any network has."""
        return max(place.threads for place in (self.context, *self.context.networks.values()))


def candidates(
    files: AddonFiles, registry: Registry, asked: Iterable[ContextLike] | None, trust: bool, tell: Tell
) -> tuple[list[Candidate], dict[str, str]]:
    """Return contexts to try, and, by label, why others that the addon names stand for nothing.

    :param asked: those to try; None: all that the addon names, and all devices of this machine that none of them is.
    :raises ContextError: if one that was asked for does not exist, or none is.
    """

    def resolved(value: ContextLike | None) -> Context:
        return Addon(files, registry, value, trust).context

    if asked is not None:
        given = list(asked)
        if not given:
            raise ContextError("no contexts were given; give at least one, or none at all for all that there are")
        return _labelled([(_label(value), value, resolved(value)) for value in given], explicit=True), {}
    found: list[tuple[str, ContextLike | None, Context]] = []
    broken: dict[str, str] = {}
    for name in files.config.get("contexts", {}) or {"default": None}:
        try:
            found.append((name, None if name == "default" else name, resolved(None if name == "default" else name)))
        except ContextError as error:
            broken[name] = str(error)
    before = set(registry.broken)
    there = available_devices(registry)
    for name in registry.broken.keys() - before:
        tell(f"plugin {name!r} cannot tell its devices: {registry.broken[name]!r}")
    for device in there:
        try:
            context = resolved(device)
        except ContextError as error:
            tell(f"a plugin tells of the device {device!r}, which is none: {error}")
            continue
        if not any(same(context, other) for _, _, other in found):
            found.append((device, device, context))
    return _labelled(found, explicit=False), broken


def same(one: Context, other: Context) -> bool:
    """Whether an addon does the same in two contexts."""
    if one.key() != other.key() or one.streaming != other.streaming or dict(one.schedule) != dict(other.schedule):
        return False
    return one.networks.keys() == other.networks.keys() and all(
        same(one.networks[name], other.networks[name]) for name in one.networks
    )


def spelled(context: Context) -> dict[str, Any]:
    """Return a context as an object of JSON, without what is as usual; its name and description are left out."""
    usual, made = Context(), {}
    for key in (field.name for field in fields(Context) if field.name not in ("name", "description")):
        value = getattr(context, key)
        if value != getattr(usual, key) or key in ("runtime", "device"):
            made[key] = value
    if context.shapes:
        made["shapes"] = {axis: list(sizes) for axis, sizes in context.shapes.items()}
    if context.networks:
        made["networks"] = {name: spelled(inner) for name, inner in context.networks.items()}
    for key in ("schedule", "options"):
        if key in made:
            made[key] = dict(made[key])
    return made


def sample_text(config: Mapping[str, Any]) -> str | None:
    """Return the text for an addon that speaks English, else None."""
    english = any(language.split("-")[0].lower() in ("en", "eng") for language in config["languages"])
    return TEXT if english and config.get("stack") else None


def _label(value: ContextLike) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _labelled(found: Sequence[tuple[str, ContextLike | None, Context]], explicit: bool) -> list[Candidate]:
    """:raises ContextError: for one that is there twice."""
    made: list[Candidate] = []
    for label, asked, context in found:
        if any(candidate.label == label for candidate in made):
            raise ContextError(f"the context {label} is given twice; give it once")
        made.append(Candidate(label, asked, context, explicit))
    return made
