"""Trust in an addon's contexts: their runtime options can name files and libraries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voxstack_addon_spec.contexts import Context, ContextLike


def takes_options_from(
    named: Mapping[str, Any], requested: ContextLike | Context | None, is_named: bool = False
) -> bool:
    """Return True if runtime options come from the addon's own contexts rather than from the caller.

    :param is_named: whether ``requested`` is itself part of a named context.
    """
    if isinstance(requested, Context):
        return False
    if requested is None or isinstance(requested, str):
        name = requested or "default"
        return name in named and takes_options_from(named, named[name], is_named=True)
    networks = requested.get("networks", {})
    inner = networks.values() if isinstance(networks, Mapping) else ()
    own = is_named and bool(requested.get("options"))
    return own or any(takes_options_from(named, context, is_named) for context in inner)
