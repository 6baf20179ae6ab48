"""An addon as blocks see it when they load."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxstack.errors import AddonError
from voxstack.networks import Context, Network, NetworkSpec
from voxstack_addon_spec import AddonFiles, network_hash, open_addon
from voxstack_addon_spec.wording import nearest

if TYPE_CHECKING:
    from voxstack.registry import Registry


class Addon:
    """The files of an addon, the plugins that serve it, and the context that its networks run in.

    :param files: what the reader opened.
    :param registry: brings blocks, runtimes and the addons whose networks this one borrows.
    :param context: for all networks whose block names none: a name from the addon's ``contexts``, or a mapping.
    :param trust: run code from this addon (a ``.pt2`` is code).
    """

    def __init__(
        self, files: AddonFiles, registry: Registry, context: str | Mapping[str, Any] | Context | None = None, trust: bool = False
    ) -> None:
        self.files = files
        self.registry = registry
        self.config: dict[str, Any] = files.config
        self.name: str = self.config["name"]
        self.trust = trust
        self.context = Context.of(context, self.config.get("contexts", {}), self.name)
        self.networks: dict[str, NetworkSpec] = {name: self._spec(name) for name in self.config["networks"]}

    @classmethod
    def open(
        cls,
        source: str | Path,
        registry: Registry,
        context: str | Mapping[str, Any] | Context | None = None,
        trust: bool = False,
    ) -> Addon:
        """Open an installed addon by name, or a folder or ``.zip`` by path. What was installed with pip is trusted.

        :raises AddonError, PluginError: if there is none, or it is damaged.
        """
        place, installed = registry.locate(source)
        return cls(open_addon(place), registry, context, trust or installed)

    def network(self, name: str, context: str | Mapping[str, Any] | None = None) -> Network:
        """Open a network, in this addon's context or in another.

        :raises ContextError: if the context cannot be had.
        """
        return self.registry.open(self.networks[name], self.context_for(context))

    def context_for(self, context: str | Mapping[str, Any] | None) -> Context:
        """The context that a block names, or this addon's, where it names none.

        :raises ContextError: for a name or a key that does not exist.
        """
        return self.context if context is None else Context.of(context, self.config.get("contexts", {}), self.name)

    def select(self, name: str | None, role: str) -> NetworkSpec:
        """Return the network of this name or, without one, the only network of this role.

        :raises AddonError: saying which networks there are.
        """
        if name is not None:
            if name in self.networks:
                return self.networks[name]
            raise AddonError(self.name, f"there is no network named {name!r}{nearest(name, self.networks)} ({self._listing()})")
        found = [spec for spec in self.networks.values() if spec.role == role]
        if len(found) != 1:
            what = "no network" if not found else f"more than one network ({', '.join(spec.name for spec in found)})"
            raise AddonError(self.name, f"{what} of role {role!r}; name one in the block's 'network' ({self._listing()})")
        return found[0]

    def _listing(self) -> str:
        return "it has " + (", ".join(f"{spec.name}: {spec.role}" for spec in self.networks.values()) or "none")

    def _spec(self, name: str) -> NetworkSpec:
        config = self.config["networks"][name]
        if "addon" not in config:
            return NetworkSpec.of(name, config, network_hash(self.config, name), self.files.path, self.trust)
        lender = open_addon(self.registry.addon(config["addon"]))
        lent = lender.config["networks"].get(config["network"])
        found = "has no such network" if lent is None else "borrows it, too; borrow it from its owner" if "addon" in lent else ""
        if not found and network_hash(lender.config, config["network"]) != config["sha256"]:
            found = f"has another version of it; install the {config['addon']!r} that {self.name} {self.config['version']} was made with"
        if found:
            place = f"is borrowed from {config['network']!r} of the addon {config['addon']!r}, and what is installed under that name"
            raise AddonError(f"{self.name}: networks.{name}", f"{place} {found}")
        return NetworkSpec.of(config["network"], lent, config["sha256"], lender.path, trusted=True)
