"""The addon of a new voice: the stack and the networks of an installed one, borrowed."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from voxstack import Registry
from voxstack.entry_points import GROUP, select_entry_points
from voxstack_addon_spec import AddonFiles, network_hash, open_addon
from voxstack_scaffold.names import Names, ScaffoldError

LOWER, SLOWER = ("pitch", -2.0), ("rate", 0.9)
"""What sets a new voice apart: the default of a control, the first that it has."""


def addon_files(names: Names, like: str, rendered: Mapping[str, bytes], registry: Registry | None) -> dict[str, bytes]:
    """Return the files of the addon, and pyproject.toml with the distributions that it needs.

    :param like: the installed voice whose stack, controls, contexts and networks it has.
    :param rendered: the other files of the plugin.
    :raises ScaffoldError: if the voice has no stack, or no installed distribution provides one of its networks.
    :raises PluginError: if no such voice is installed.
    """
    registry = registry or Registry.installed()
    lender = open_addon(registry.addon(like))
    if "stack" not in lender.config:
        raise ScaffoldError(f"new voice {names.name}: {like} only lends networks; name a voice, such as --like amber")
    own = _own_files(lender)
    addon = f"src/{names.package}/{names.name}"
    config = addon_config(names.name, lender, own)
    project = rendered["pyproject.toml"].decode().replace("@DEPENDENCIES@", _dependencies(config, registry))
    written = {f"{addon}/{name}": content for name, content in own.items()}
    text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
    return {**written, f"{addon}/addon.json": text.encode(), "pyproject.toml": project.encode()}


def addon_config(name: str, lender: AddonFiles, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the configuration of an addon that borrows all networks of another.

    :param files: the files that it has of its own.
    """
    config = {key: value for key, value in lender.config.items() if key not in ("golden", "signature")}
    networks = {
        key: spec if "addon" in spec else {"addon": config["name"], "network": key, "sha256": network_hash(config, key)}
        for key, spec in config["networks"].items()
    }
    controls = json.loads(json.dumps(config["controls"]))
    for control, value in (LOWER, SLOWER):
        if control in controls:
            controls[control]["default"] = value
            break
    description = f"Made like {config['name']}, whose networks it borrows."
    own = {"name": name, "version": "0.1.0", "description": description, "networks": networks, "controls": controls}
    entries = {path: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} for path, data in files.items()}
    return {**config, **own, "files": entries}


def _own_files(lender: AddonFiles) -> dict[str, bytes]:
    """Return the files of an addon that belong to no network and prove nothing: tables of blocks, licences."""
    config = lender.config
    exports = [export for spec in config["networks"].values() for export in _exports(spec)]
    of_networks = {name for export in exports for name in export.values() if isinstance(name, str)}
    left_out = of_networks | set(config.get("golden", ()))
    return {name: lender.read(name) for name in config["files"] if name not in left_out}


def _exports(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the exports of a network, those of its other forms too."""
    for key, value in spec.items():
        if key == "exports":
            yield from value
        elif isinstance(value, Mapping):
            yield from _exports(value)


def _dependencies(config: Mapping[str, Any], registry: Registry) -> str:
    """Return the requirements of a voice, as lines of TOML: who provides its blocks and its networks."""
    owners = {registry.distributions_of(block) for block in _blocks(config["stack"]) if block in registry}
    lenders = {spec["addon"] for spec in config["networks"].values()}
    owners |= {_provider(lender, registry) for lender in lenders}
    names = {name for owner in owners for name in owner.split(", ")} | {"voxstack-core", "voxstack-voice"}
    return "".join(f'  "{name}>={version(name)}",\n' for name in sorted(names))


def _provider(addon: str, registry: Registry) -> str:
    """Return the distribution that an installed addon comes with."""
    folder = registry.addon(addon)
    for point in select_entry_points(GROUP):
        spec = importlib.util.find_spec(point.value)
        if spec is not None and spec.origin and folder.is_relative_to(Path(spec.origin).parent):
            return point.distribution
    raise ScaffoldError(
        f"the addon {addon} in {folder} comes with no installed distribution, so no wheel can require it"
    )


def _blocks(stack: Any) -> Iterator[str]:
    """Yield the types of all blocks in a stack."""
    if isinstance(stack, dict):
        if isinstance(stack.get("type"), str):
            yield stack["type"]
        stack = list(stack.values())
    if isinstance(stack, list):
        for child in stack:
            yield from _blocks(child)
