"""What must hold in an addon.json beyond its JSON Schema: places in it that refer to each other must agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from voxstack_addon_spec.names import clashes, name_problem
from voxstack_addon_spec.wording import did_you_mean, shown

Spec = Mapping[str, Any]
Finding = tuple[tuple[str | int, ...], str]  # path into the config, problem


def findings(config: Spec) -> Iterator[Finding]:
    """Yield what is wrong with a config that its schema accepts, in the order of the format's description."""
    yield from _files(config["files"])
    own = {name: spec for name, spec in config["networks"].items() if "addon" not in spec}
    for name, spec in config["networks"].items():
        if spec.get("addon") == config["name"]:
            yield ("networks", name, "addon"), "borrows from this addon itself; name the addon that has the network"
    for name, spec in own.items():
        path = ("networks", name)
        yield from _masks(spec["inputs"], (*path, "inputs"))
        if "streaming" in spec:
            yield from _streaming(spec, (*path, "streaming"))
        for i, export in enumerate(spec["exports"]):
            for key in ("symbol", "parameters"):
                if key in export:
                    yield from _listed(export[key], config["files"], (*path, "exports", i, key))
    for i, name in enumerate(config.get("golden", ())):
        yield from _listed(name, config["files"], ("golden", i))
    if len(own) == len(config["networks"]):  # the axes of borrowed networks are not known here
        yield from _shapes(config.get("contexts", {}), own)


def _files(files: Spec) -> Iterator[Finding]:
    for name in files:
        problem = name_problem(name)
        if problem:
            yield ("files",), problem
    for name, problem in clashes(files):
        yield ("files", name), problem


def _listed(name: str, files: Spec, path: tuple[str | int, ...]) -> Iterator[Finding]:
    if name not in files:
        yield path, f"file {name!r} is not listed in files" + did_you_mean(name, files, "list it there with its size and sha256")


def _masks(inputs: Spec, path: tuple[str | int, ...]) -> Iterator[Finding]:
    axes = _axes(spec for spec in inputs.values() if not spec.get("mask"))
    for name, spec in inputs.items():
        if not spec.get("mask"):
            continue
        last = spec["shape"][-1] if spec["shape"] else None
        if not isinstance(last, str):
            yield (*path, name, "shape"), "a mask marks the steps of its last axis, so that axis must have a name; name it"
        elif last not in axes:
            advice = did_you_mean(last, axes, "name the axis whose padding it marks")
            yield (*path, name, "shape"), f"masks axis {last!r}, which no other input has{advice}"


def _streaming(spec: Spec, path: tuple[str | int, ...]) -> Iterator[Finding]:
    streaming = spec["streaming"]
    axis = streaming["axis"]
    arrays = {name: array for name, array in spec["inputs"].items() if not array.get("mask")}
    having = [name for name, array in arrays.items() if axis in array["shape"]]
    outputs_having = [axis in array["shape"] for array in spec["outputs"].values()]
    if not having:
        advice = did_you_mean(axis, _axes(arrays.values()), "name an axis of the input that is the stream")
        yield (*path, "axis"), f"no input but masks has axis {axis!r}{advice}"
    elif "input" in streaming:
        if streaming["input"] not in having:
            names = " or ".join(repr(name) for name in having)
            yield (*path, "input"), f"{streaming['input']!r} is no input with axis {axis!r}; write {names}"
    elif len(having) > 1:
        names = " and ".join(repr(name) for name in having)
        yield path, f"inputs {names} have axis {axis!r}; say with 'input' which of them is the stream"
    if streaming["hop"] == 1 and not any(outputs_having):
        yield (*path, "axis"), f"no output has axis {axis!r}, but with hop 1 one must; name the axis of the output so, or correct hop"
    if streaming["hop"] != 1 and all(outputs_having):
        yield (*path, "hop"), f"every output has axis {axis!r}, which has one step per step; give the longer axis another name, or write 1"


def _shapes(contexts: Spec, networks: Spec) -> Iterator[Finding]:
    axes = _axes(array for spec in networks.values() for array in spec["inputs"].values())
    for name, context in contexts.items():
        for axis in context.get("shapes", {}):
            if axis not in axes:
                advice = did_you_mean(axis, axes, f"write one of {shown(axes)}" if axes else "remove it")
                yield ("contexts", name, "shapes"), f"no network has an input with axis {axis!r}{advice}"


def _axes(arrays: Any) -> list[str]:
    """Return the axis names of some arrays, each once, in the order they appear."""
    return list(dict.fromkeys(axis for array in arrays for axis in array["shape"] if isinstance(axis, str)))
