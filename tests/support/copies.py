"""Copies of installed addons under other names."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from voxstack import Registry
from voxstack_addon_spec import file_entry


def copied(folder: Path, source: str, name: str, *, weights: int = 0, own: bool = False, **changes: Any) -> Path:
    """Write a copy of the addon ``source`` to ``folder / name`` under that name, and return its path.

    :param weights: value for the first byte of the weights of every network, so that no own network is shared with
        another copy; 0: leave the weights unchanged.
    :param own: include the networks that the addon borrows from others.
    :param changes: keys of addon.json to replace.
    """
    registry, target = Registry.installed(), folder / name
    shutil.copytree(registry.addon(source), target, ignore=shutil.ignore_patterns("golden", "addon.json"))
    config = json.loads((registry.addon(source) / "addon.json").read_text())
    for key, network in config["networks"].items() if own else ():
        if "addon" in network:
            lender = registry.addon(network["addon"])
            lent = json.loads((lender / "addon.json").read_text())["networks"][network["network"]]
            config["networks"][key] = lent
            for file in lender.glob(f"{network['network']}.*"):
                shutil.copy2(file, target / file.name)
    for file in target.glob("*.data") if weights else ():
        data = bytearray(file.read_bytes())
        data[0] = weights
        file.write_bytes(data)
    files = {path.name: file_entry(path) for path in sorted(target.iterdir())}
    config |= {"name": name, "files": files, **changes}
    config.pop("golden", None)
    write_config(target, config)
    return target


def write_config(folder: Path, config: Any) -> None:
    """Write an ``addon.json``, as a whole or not at all."""
    part = folder / "addon.part"
    part.write_text(json.dumps(config))
    part.rename(folder / "addon.json")
