"""What must hold in an addon.json beyond its JSON Schema: places in it that refer to each other must agree."""

from __future__ import annotations

from collections.abc import Iterator

from voxstack_addon_spec.autoregressive import step_findings
from voxstack_addon_spec.names import clashes, name_problem
from voxstack_addon_spec.streaming import Finding, Spec, axes, form_findings, streaming_findings
from voxstack_addon_spec.wording import did_you_mean, shown


def findings(config: Spec) -> Iterator[Finding]:
    """Yield what is wrong with a config that its schema accepts, in the order of the format's description."""
    yield from _newer(config)
    yield from _files(config["files"])
    own = {name: spec for name, spec in config["networks"].items() if "addon" not in spec}
    for name, spec in config["networks"].items():
        if spec.get("addon") == config["name"]:
            yield ("networks", name, "addon"), "borrows from this addon itself; name the addon that has the network"
    for name, spec in own.items():
        path = ("networks", name)
        yield from _form(spec, config["files"], path)
        yield from _lengths(spec, path)
        if "stateful" in spec:
            yield from _form(spec["stateful"], config["files"], (*path, "stateful"))
            yield from form_findings(spec, path)
        if "autoregressive" in spec:
            yield from step_findings(spec, path)
    for i, name in enumerate(config.get("golden", ())):
        yield from _listed(name, config["files"], ("golden", i))
    yield from _placements(config.get("contexts", {}), config["networks"])
    if len(own) == len(config["networks"]):  # the axes of borrowed networks are not known here
        yield from _shapes(config.get("contexts", {}), own)


def _form(spec: Spec, files: Spec, path: tuple[str | int, ...]) -> Iterator[Finding]:
    """Check one form of a network: what it takes and gives, and its exports."""
    yield from _masks(spec["inputs"], (*path, "inputs"))
    if "streaming" in spec:
        yield from streaming_findings(spec, path)
    for i, export in enumerate(spec["exports"]):
        for key in ("symbol", "parameters"):
            if key in export:
                yield from _listed(export[key], files, (*path, "exports", i, key))


def _files(files: Spec) -> Iterator[Finding]:
    for name in files:
        problem = name_problem(name)
        if problem:
            yield ("files",), problem
    for name, problem in clashes(files):
        yield ("files", name), problem


def _listed(name: str, files: Spec, path: tuple[str | int, ...]) -> Iterator[Finding]:
    if name not in files:
        yield (
            path,
            f"file {name!r} is not listed in files"
            + did_you_mean(name, files, "list it there with its size and sha256"),
        )


def _masks(inputs: Spec, path: tuple[str | int, ...]) -> Iterator[Finding]:
    known = axes(spec for spec in inputs.values() if not spec.get("mask"))
    for name, spec in inputs.items():
        if not spec.get("mask"):
            continue
        last = spec["shape"][-1] if spec["shape"] else None
        if not isinstance(last, str):
            yield (
                (*path, name, "shape"),
                "a mask marks the steps of its last axis, so that axis must have a name; name it",
            )
        elif last not in known:
            advice = did_you_mean(last, known, "name the axis whose padding it marks")
            yield (*path, name, "shape"), f"masks axis {last!r}, which no other input has{advice}"


def _lengths(spec: Spec, path: tuple[str | int, ...]) -> Iterator[Finding]:
    """Check what is said of the length of output axes."""
    taken = axes(spec["inputs"].values())
    free = [axis for axis in axes(spec["outputs"].values()) if axis not in taken]
    for name, length in spec.get("lengths", {}).items():
        if name not in free:
            advice = did_you_mean(name, free, f"write one of {shown(free)}" if free else "remove it")
            yield (*path, "lengths", name), f"{name!r} is no axis of an output that no input has{advice}"
        if length["axis"] not in taken:
            yield (
                (*path, "lengths", name, "axis"),
                f"no input has axis {length['axis']!r}{did_you_mean(length['axis'], taken, 'name one')}",
            )


def _newer(config: Spec) -> Iterator[Finding]:
    """Yield the keys that are newer than the version which the file says it is of."""
    version = config["spec_version"]
    places: list[tuple[int, tuple[str | int, ...], Spec, tuple[str, ...]]] = [(2, (), config, ("schedule",))]
    newer = ("streaming", "batch", "schedule", "precision", "split", "options", "networks", "description")
    places += [(2, ("contexts", name), spec, newer) for name, spec in config.get("contexts", {}).items()]
    for name, spec in config["networks"].items():
        places += [
            (2, ("networks", name), spec, ("stateful", "lengths")),
            (2, ("networks", name, "streaming"), spec.get("streaming", {}), ("states",)),
            (3, ("networks", name), spec, ("autoregressive",)),
        ]
    for since, path, spec, keys in places:
        for key in keys if version < since else ():
            if key in spec:
                yield (*path, key), f'came with version {since} of the format; write "spec_version": {since}'


def _shapes(contexts: Spec, networks: Spec) -> Iterator[Finding]:
    known = axes(array for spec in networks.values() for array in spec["inputs"].values())
    for path, context in _places(contexts):
        for axis in context.get("shapes", {}):
            if axis not in known:
                advice = did_you_mean(axis, known, f"write one of {shown(known)}" if known else "remove it")
                yield (*path, "shapes"), f"no network has an input with axis {axis!r}{advice}"


def _placements(contexts: Spec, networks: Spec) -> Iterator[Finding]:
    """Check that contexts place networks that there are, in contexts that there are."""
    known = {*networks, *(spec["role"] for spec in networks.values() if "role" in spec)}
    borrowed = any("role" not in spec for spec in networks.values())
    for path, context in _places(contexts):
        for name, place in context.get("networks", {}).items():
            here = (*path, "networks", name)
            if len(path) > 2:
                yield (
                    (*path, "networks"),
                    "a context inside another has no 'networks' of its own; say each network's place once",
                )
            elif name not in known and not borrowed:  # the roles of borrowed networks are not known here
                yield here, f"there is no network and no role {name!r}{did_you_mean(name, known, 'remove it')}"
            if isinstance(place, str) and contexts.get(place, {}).get("networks"):
                yield here, f"the context {place!r} places networks itself; say each network's place once"
            elif isinstance(place, str) and ":" not in place and place not in contexts:
                yield (
                    here,
                    f"there is no context {place!r}{did_you_mean(place, contexts, 'write one of contexts, or runtime:device')}",
                )


def _places(contexts: Spec) -> Iterator[tuple[tuple[str | int, ...], Spec]]:
    """Yield each context, and each inside one."""
    for name, context in contexts.items():
        yield ("contexts", name), context
        for inner, place in context.get("networks", {}).items():
            if not isinstance(place, str):
                yield ("contexts", name, "networks", inner), place
