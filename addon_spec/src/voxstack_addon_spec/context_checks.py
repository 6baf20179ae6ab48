"""Checks of a requested context against the addon that it is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from voxstack_addon_spec.contexts import Context, ContextLike
from voxstack_addon_spec.errors import ContextError
from voxstack_addon_spec.networks import NetworkSpec
from voxstack_addon_spec.sizes import check_sizes
from voxstack_addon_spec.wording import did_you_mean, listing


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


def check_context(context: Context, specs: Iterable[NetworkSpec], where: str) -> None:
    """Check that the axes and networks that a context names exist, and that its sizes are not too many or too large.

    :param where: name of the addon, for errors.
    :raises ContextError: with the closest name, or naming the network.
    """
    networks = list(specs)
    tensors = [tensor for spec in networks for tensor in spec.inputs.values()]
    axes = {axis for tensor in tensors for axis in tensor.shape if isinstance(axis, str)}
    for place in (context, *context.networks.values()):
        for axis in place.shapes.keys() - axes:
            problem = f"'shapes' names {axis!r}, an axis that no network has{did_you_mean(axis, axes)}"
            raise ContextError(f"{where}: {problem}; they have {listing(sorted(axes))}")
    known = {name for spec in networks for name in (spec.name, spec.role)}
    for name in context.networks.keys() - known:
        problem = f"'networks' names {name!r}, and there is no such network or role{did_you_mean(name, known)}"
        raise ContextError(f"{where}: {problem}; there are {listing(sorted(known))}")
    for spec in networks:
        check_sizes(spec, context.for_network(spec.name, spec.role))
