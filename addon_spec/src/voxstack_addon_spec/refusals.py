"""Contexts in which a network was measured to compute something else than it should: they are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from voxstack_addon_spec.contexts import Context
from voxstack_addon_spec.wording import shorten

MAX_CONTEXTS = 256
"""Measured contexts of one network that are read."""


@dataclass(frozen=True)
class Refusal:
    """Why a network must not run in a context.

    :param context: a device as ``runtime:device`` in lower case, or the name of a context of the addon.
    :param reason: what was measured there.
    """

    context: str
    reason: str

    def __str__(self) -> str:
        return f"{self.context}: {self.reason}"


def read_refusals(measured: Mapping[str, Any]) -> tuple[Refusal, ...]:
    """Return the refusals among the measurements of a network; entries of another form are no refusals."""
    contexts = measured.get("contexts")
    if not isinstance(contexts, Mapping):
        return ()
    entries = list(contexts.items())[:MAX_CONTEXTS]
    failed = [(name, entry) for name, entry in entries if isinstance(entry, Mapping) and entry.get("passed") is False]
    return tuple(Refusal(shorten(name.lower()), _reason(entry)) for name, entry in failed)


def find_refusal(refusals: tuple[Refusal, ...], context: Context) -> Refusal | None:
    """Return why a network must not run in a context; None if nothing was found against it."""
    names = {context.name.lower(), f"{context.runtime}:{context.device}".lower()}
    return next((refusal for refusal in refusals if refusal.context in names), None)


def _reason(entry: Mapping[str, Any]) -> str:
    error, problem = entry.get("error"), entry.get("problem")
    if isinstance(error, int | float) and not isinstance(error, bool):
        reason = f"an output differs by {error:.2g} of its scale from the golden vectors"
    elif isinstance(problem, str):
        reason = shorten(problem)
    else:
        reason = "an output differs from the golden vectors"
    version = entry.get("version")
    return f"{reason} (version {shorten(version)})" if isinstance(version, str) else reason
