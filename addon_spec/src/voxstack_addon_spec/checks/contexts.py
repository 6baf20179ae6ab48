"""Checks of contexts: the axes whose sizes they fix, and the networks that they place."""

from __future__ import annotations

from collections.abc import Iterator

from voxstack_addon_spec.checks.finding import Finding, Path, Spec, axes
from voxstack_addon_spec.wording import did_you_mean, short_repr


def shape_findings(contexts: Spec, networks: Spec) -> Iterator[Finding]:
    """Yield the fixed sizes of axes that no input has."""
    known = axes(array for spec in networks.values() for array in spec["inputs"].values())
    for path, context in _all_contexts(contexts):
        for axis in context.get("shapes", {}):
            if axis not in known:
                advice = did_you_mean(axis, known, f"write one of {short_repr(known)}" if known else "remove it")
                yield (*path, "shapes"), f"no network has an input with axis {axis!r}{advice}"


def placement_findings(contexts: Spec, networks: Spec) -> Iterator[Finding]:
    """Yield the placements of unknown networks, in unknown contexts, or nested in another placement."""
    known = {*networks, *(spec["role"] for spec in networks.values() if "role" in spec)}
    borrowed = any("role" not in spec for spec in networks.values())
    for path, context in _all_contexts(contexts):
        for name, placement in context.get("networks", {}).items():
            here = (*path, "networks", name)
            if len(path) > 2:
                problem = "a context inside another one cannot place networks; place each network once"
                yield (*path, "networks"), problem
            elif name not in known and not borrowed:  # the roles of borrowed networks are unknown here
                yield here, f"there is no network or role {name!r}{did_you_mean(name, known, 'remove it')}"
            if isinstance(placement, str) and contexts.get(placement, {}).get("networks"):
                yield here, f"the context {placement!r} places networks itself; place each network once"
            elif isinstance(placement, str) and ":" not in placement and placement not in contexts:
                advice = did_you_mean(placement, contexts, "name one of contexts, or write runtime:device")
                yield here, f"there is no context {placement!r}{advice}"


def _all_contexts(contexts: Spec) -> Iterator[tuple[Path, Spec]]:
    """Yield each context, and each context inside one."""
    for name, context in contexts.items():
        yield ("contexts", name), context
        for inner, placement in context.get("networks", {}).items():
            if not isinstance(placement, str):
                yield ("contexts", name, "networks", inner), placement
