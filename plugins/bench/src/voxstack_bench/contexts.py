"""Contexts: whether two of them are equivalent, and their JSON form."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from voxstack.networks import Context


def are_equivalent(first: Context, second: Context) -> bool:
    """Return whether an addon behaves the same in two contexts."""
    return (
        first.key() == second.key()
        and first.streaming == second.streaming
        and dict(first.schedule) == dict(second.schedule)
        and first.networks.keys() == second.networks.keys()
        and all(are_equivalent(first.networks[name], second.networks[name]) for name in first.networks)
    )


def context_to_json(context: Context) -> dict[str, Any]:
    """Return a context as a JSON object, without default values, except for ``runtime`` and ``device``.

    Its name and description are left out.
    """
    default, result = Context(), {}
    for key in (field.name for field in fields(Context) if field.name not in ("name", "description")):
        value = getattr(context, key)
        if value != getattr(default, key) or key in ("runtime", "device"):
            result[key] = value
    if context.shapes:
        result["shapes"] = {axis: list(sizes) for axis, sizes in context.shapes.items()}
    if context.networks:
        result["networks"] = {name: context_to_json(inner) for name, inner in context.networks.items()}
    for key in ("schedule", "options"):
        if key in result:
            result[key] = dict(result[key])
    return result
