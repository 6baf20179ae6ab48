"""Networks of other addons, which an addon borrows."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voxstack import Registry
from voxstack_addon_spec import network_hash, open_addon
from voxstack_packager.errors import PackagingError


@dataclass(frozen=True)
class Borrowed:
    """A network of another addon, by the hash of its content: ten voices with one vocoder store it once.

    :param name: name of the network in this addon.
    :param addon: name of the addon that lends it, and ``network`` its name there.
    :param sha256: as ``voxstack_addon_spec.network_hash`` returns it.
    :param lender: folder of the lending addon, to synthesize with while this addon is made; by default an installed
        one.
    """

    name: str
    addon: str
    network: str
    sha256: str
    lender: Path | None = field(default=None, compare=False)

    @classmethod
    def of(cls, path: str | os.PathLike[str], network: str, name: str | None = None) -> Borrowed:
        """Borrow a network from an addon: a folder or ``.zip``, or an installed addon by name.

        :param name: name of the network in this addon; by default that in the lending one.
        :raises AddonError: if there is no such addon.
        :raises PluginError: if no addon of this name is installed.
        :raises PackagingError: if it has no such network of its own.
        """
        lender, installed = (Path(path), False) if Path(path).exists() else Registry.installed().locate(_name(path))
        with open_addon(lender) as files:
            own = [key for key, spec in files.config["networks"].items() if "addon" not in spec]
            if network not in own:
                raise PackagingError(str(path), f"has no network {network!r} of its own to lend; it has {own}")
            return cls(
                name or network,
                files.config["name"],
                network,
                network_hash(files.config, network),
                None if installed else lender,
            )

    @property
    def config(self) -> dict[str, Any]:
        """The entry of the network in addon.json."""
        return {"addon": self.addon, "network": self.network, "sha256": self.sha256}


def _name(path: str | os.PathLike[str]) -> str | Path:
    return path if isinstance(path, str) else Path(path)
