"""All checks of a config beyond its JSON Schema, in one order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from voxstack_addon_spec.checks.autoregressive import autoregressive_findings
from voxstack_addon_spec.checks.contexts import placement_findings, shape_findings
from voxstack_addon_spec.checks.finding import Finding, Path, Spec
from voxstack_addon_spec.checks.networks import array_findings, length_findings, mask_findings
from voxstack_addon_spec.checks.streaming import stateful_form_findings, streaming_findings
from voxstack_addon_spec.file_names import clashes, name_problem
from voxstack_addon_spec.limits import MAX_BLOCKS, MAX_NESTED
from voxstack_addon_spec.wording import did_you_mean, short_repr


def config_findings(config: Spec) -> Iterator[Finding]:
    """Yield what is wrong with a config that its schema accepts, in the order of FORMAT.md."""
    yield from _version_findings(config)
    yield from _file_findings(config["files"])
    yield from _stack_findings(config.get("stack", []))
    own = {name: spec for name, spec in config["networks"].items() if "addon" not in spec}
    for name, spec in config["networks"].items():
        if spec.get("addon") == config["name"]:
            yield ("networks", name, "addon"), "borrows from this addon itself; name the addon that has the network"
    for name, spec in own.items():
        path = ("networks", name)
        yield from _form_findings(spec, config["files"], path)
        yield from length_findings(spec, path)
        if "stateful" in spec:
            yield from _form_findings(spec["stateful"], config["files"], (*path, "stateful"))
            yield from stateful_form_findings(spec, path)
        if "autoregressive" in spec:
            yield from autoregressive_findings(spec, path)
    for i, name in enumerate(config.get("golden", ())):
        yield from _unlisted_findings(name, config["files"], ("golden", i))
    yield from placement_findings(config.get("contexts", {}), config["networks"])
    if len(own) == len(config["networks"]):  # the axes of borrowed networks are unknown here
        yield from shape_findings(config.get("contexts", {}), own)


def _version_findings(config: Spec) -> Iterator[Finding]:
    """Yield the keys that are newer than the format version that the file states."""
    version = config["spec_version"]
    places: list[tuple[int, Path, Spec, tuple[str, ...]]] = [
        (2, (), config, ("schedule",)),
        (3, (), config, ("plugins",)),
    ]
    context_keys = ("streaming", "batch", "schedule", "precision", "split", "options", "networks", "description")
    places += [(2, ("contexts", name), spec, context_keys) for name, spec in config.get("contexts", {}).items()]
    for name, spec in config["networks"].items():
        places += [
            (2, ("networks", name), spec, ("stateful", "lengths")),
            (2, ("networks", name, "streaming"), spec.get("streaming", {}), ("states",)),
            (3, ("networks", name), spec, ("autoregressive",)),
        ]
        forms: list[tuple[Path, Spec]] = [(("networks", name), spec)]
        forms.append((("networks", name, "stateful"), spec.get("stateful", {})))
        for path, form in forms:
            states = form.get("streaming", {}).get("states", {}).items()
            places += [(3, (*path, "streaming", "states", key), s, ("initial", "provided")) for key, s in states]
    for since, path, spec, keys in places:
        for key in keys if version < since else ():
            if key in spec:
                yield (*path, key), f'needs version {since} of the format; write "spec_version": {since}'


def _file_findings(files: Spec) -> Iterator[Finding]:
    for name in files:
        problem = name_problem(name)
        if problem:
            yield ("files",), problem
    for name, problem in clashes(files):
        yield ("files", name), problem


def _stack_findings(stack: list[Any]) -> Iterator[Finding]:
    """Yield the stack if it has too many blocks, or blocks too deep inside others: each takes time to build."""
    pending: list[tuple[Any, int]] = [(stack, 0)]
    blocks = deepest = 0
    while pending:
        value, depth = pending.pop()
        if isinstance(value, dict) and "type" in value:
            blocks, depth = blocks + 1, depth + 1
            deepest = max(depth, deepest)
        if isinstance(value, dict | list):
            pending.extend((inner, depth) for inner in (value.values() if isinstance(value, dict) else value))
    if blocks > MAX_BLOCKS:
        yield ("stack",), f"has {blocks} blocks, and at most {MAX_BLOCKS} are allowed; use fewer"
    if deepest > MAX_NESTED:
        yield ("stack",), f"has {deepest} blocks inside each other, and at most {MAX_NESTED} are allowed; flatten it"


def _form_findings(spec: Spec, files: Spec, path: Path) -> Iterator[Finding]:
    """Check one form of a network: its arrays, its streaming, and its exports."""
    yield from array_findings(spec, path)
    yield from mask_findings(spec["inputs"], (*path, "inputs"))
    if "streaming" in spec:
        yield from streaming_findings(spec, path)
    for key in ("streaming", "autoregressive"):
        for name, state in spec.get(key, {}).get("states", {}).items():
            if "initial" in state:
                yield from _unlisted_findings(state["initial"], files, (*path, key, "states", name, "initial"))
    for i, export in enumerate(spec["exports"]):
        for key in ("symbol", "parameters"):
            if key in export:
                yield from _unlisted_findings(export[key], files, (*path, "exports", i, key))
        yield from _folder_findings(export, (*path, "exports", i))


def _folder_findings(export: Spec, path: Path) -> Iterator[Finding]:
    """Yield the weights that lie in another folder than the graph, where no runtime looks for them."""
    symbol, parameters = (export.get(key, export["symbol"]) for key in ("symbol", "parameters"))
    folder = symbol.rpartition("/")[0]
    if parameters.rpartition("/")[0] != folder:
        problem = f"{short_repr(parameters)} lies in another folder than {short_repr(symbol)}"
        yield (*path, "parameters"), f"{problem}; put both in one folder"


def _unlisted_findings(name: str, files: Spec, path: Path) -> Iterator[Finding]:
    if name not in files:
        advice = did_you_mean(name, files, "list it there with its size and sha256")
        yield path, f"file {short_repr(name)} is not listed in files{advice}"
