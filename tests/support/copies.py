"""Addons made of an installed one, under other names."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from voxstack import Registry
from voxstack_addon_spec import file_entry


def copied(folder: Path, source: str, name: str, *, weights: int = 0, own: bool = False, **changes: Any) -> Path:
    """Write a copy of the addon ``source`` to ``folder / name`` under that name, and return its path.

    :param weights: change a byte of the weights of every network to this, so that none of its own networks is shared with
        another copy; 0: leave them.
    :param own: include the networks that it borrows.
    :param changes: keys of addon.json to replace.
    """
    registry, made = Registry.installed(), folder / name
    shutil.copytree(registry.addon(source), made, ignore=shutil.ignore_patterns("golden", "addon.json"))
    config = json.loads((registry.addon(source) / "addon.json").read_text())
    for key, network in config["networks"].items() if own else ():
        if "addon" in network:
            lender = registry.addon(network["addon"])
            lent = json.loads((lender / "addon.json").read_text())["networks"][network["network"]]
            config["networks"][key] = lent
            for file in lender.glob(f"{network['network']}.*"):
                shutil.copy2(file, made / file.name)
    for file in made.glob("*.data") if weights else ():
        data = bytearray(file.read_bytes())
        data[0] = weights
        file.write_bytes(data)
    files = {path.name: file_entry(path) for path in sorted(made.iterdir())}
    config |= {"name": name, "files": files, **changes}
    config.pop("golden", None)
    write_config(made, config)
    return made


def write_config(folder: Path, config: Any) -> None:
    """Put an addon.json in place, all or nothing."""
    part = folder / "addon.part"
    part.write_text(json.dumps(config))
    part.rename(folder / "addon.json")
