"""An addon as blocks see it when they load."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxstack.contexts import Asked, Context
from voxstack.errors import AddonError, ContextError
from voxstack.networks import Network, NetworkSpec
from voxstack_addon_spec import AddonFiles, network_hash, open_addon
from voxstack_addon_spec.wording import nearest

if TYPE_CHECKING:
    from voxstack.registry import Registry


class Addon:
    """The files of an addon, the plugins that serve it, and the context that its networks run in.

    :param files: what the reader opened.
    :param registry: brings blocks, runtimes and the addons whose networks this one borrows.
    :param context: for all networks whose block names none: a name from the addon's ``contexts``, ``runtime:device``, or a mapping.
    :param trust: run code from this addon (a ``.pt2`` is code).
    """

    def __init__(
        self, files: AddonFiles, registry: Registry, context: Asked | Context | None = None, trust: bool = False
    ) -> None:
        self.files = files
        self.registry = registry
        self.config: dict[str, Any] = files.config
        self.name: str = self.config["name"]
        self.trust = trust
        self.networks: dict[str, NetworkSpec] = {name: self._spec(name) for name in self.config["networks"]}
        self.context = self._context(context)
        self._opened: list[weakref.ref[Network]] = []

    @classmethod
    def open(
        cls,
        source: str | Path,
        registry: Registry,
        context: Asked | Context | None = None,
        trust: bool = False,
    ) -> Addon:
        """Open an installed addon by name, or a folder or ``.zip`` by path. What was installed with pip is trusted.

        :raises AddonError, PluginError: if there is none, or it is damaged.
        """
        place, installed = registry.locate(source)
        return cls(open_addon(place), registry, context, trust or installed)

    def network(self, name: str, context: Asked | None = None) -> Network:
        """Open a network where its place is in this addon's context or in another.

        :raises ContextError: if the context cannot be had.
        """
        return self._open(self.networks[name], self._place(name, context))

    def stream_network(self, name: str, context: Asked | None = None) -> Network:
        """Open the best form of a network that streams: with state, if the context lets it and the runtime can run it.

        :raises ContextError: if it can run none.
        """
        place = self._place(name, context)
        *others, last = self.networks[name].forms(place)
        for form in others:
            try:
                return self._open(form, place)
            except ContextError:  # the other form may come in a format that the runtime knows; if not, its error tells
                continue
        return self._open(last, place)

    @property
    def opened(self) -> list[Network]:
        """Networks that this addon has opened and that are in use."""
        return [network for ref in self._opened if (network := ref()) is not None]

    def _open(self, spec: NetworkSpec, context: Context) -> Network:
        network = self.registry.open(spec, context)
        if not any(network is other for other in self.opened):
            self._opened.append(weakref.ref(network))
        return network

    def _place(self, name: str, context: Asked | None) -> Context:
        """Where a network runs: in the context that a block names or, where it names none, in this addon's."""
        chosen = self.context if context is None else self._context(context)
        return chosen.for_network(name, self.networks[name].role)

    def _context(self, asked: Asked | Context | None) -> Context:
        named = self.config.get("contexts", {})
        context = Context.of(asked, named, self.name, lambda name: self.registry.context(name, self.config))
        if not self.trust and _has_options_of(asked, named):
            raise ContextError(
                f"{self.name}: a context of this addon has 'options', which can name files and libraries, and this addon was not "
                "installed with pip; load(..., trust=True) if you trust it, or give a context of your own"
            )
        self._check(context)
        return context

    def _check(self, context: Context) -> None:
        """Check that the axes and networks that a context names are there."""
        axes = {
            axis
            for spec in self.networks.values()
            for tensor in spec.inputs.values()
            for axis in tensor.shape
            if isinstance(axis, str)
        }
        places = {*self.networks, *(spec.role for spec in self.networks.values())}
        for place in (context, *context.networks.values()):
            for axis in place.shapes.keys() - axes:
                problem = f"'shapes' names {axis!r}, an axis that no network has{nearest(axis, axes)}; they have {sorted(axes)}"
                raise ContextError(f"{self.name}: {problem}")
        for name in context.networks.keys() - places:
            problem = f"'networks' names {name!r}, and there is no such network or role{nearest(name, places)}; there are {sorted(places)}"
            raise ContextError(f"{self.name}: {problem}")

    def select(self, name: str | None, role: str) -> NetworkSpec:
        """Return the network of this name or, without one, the only network of this role.

        :raises AddonError: saying which networks there are.
        """
        if name is not None:
            if name in self.networks:
                return self.networks[name]
            raise AddonError(
                self.name, f"there is no network named {name!r}{nearest(name, self.networks)} ({self._listing()})"
            )
        found = [spec for spec in self.networks.values() if spec.role == role]
        if len(found) != 1:
            what = "no network" if not found else f"more than one network ({', '.join(spec.name for spec in found)})"
            raise AddonError(
                self.name, f"{what} of role {role!r}; name one in the block's 'network' ({self._listing()})"
            )
        return found[0]

    def _listing(self) -> str:
        return "it has " + (", ".join(f"{spec.name}: {spec.role}" for spec in self.networks.values()) or "none")

    def _spec(self, name: str) -> NetworkSpec:
        config = self.config["networks"][name]
        if "addon" not in config:
            return NetworkSpec.of(name, config, network_hash(self.config, name), self.files.path, self.trust)
        lender = open_addon(self.registry.addon(config["addon"]))
        lent = lender.config["networks"].get(config["network"])
        found = (
            "has no such network"
            if lent is None
            else "borrows it, too; borrow it from its owner"
            if "addon" in lent
            else ""
        )
        if not found and network_hash(lender.config, config["network"]) != config["sha256"]:
            found = f"has another version of it; install the {config['addon']!r} that {self.name} {self.config['version']} was made with"
        if found:
            place = f"is borrowed from {config['network']!r} of the addon {config['addon']!r}, and what is installed under that name"
            raise AddonError(f"{self.name}: networks.{name}", f"{place} {found}")
        return NetworkSpec.of(name, lent, config["sha256"], lender.path, trusted=True)


def _has_options_of(asked: Asked | Context | None, named: Mapping[str, Any], own: bool = False) -> bool:
    """Whether what is asked for comes to options that ``named`` contexts give, and not whoever asks.

    :param own: whether ``asked`` is itself part of one of them.
    """
    if isinstance(asked, Context):
        return False
    if asked is None or isinstance(asked, str):
        name = asked or "default"
        return name in named and _has_options_of(named[name], named, own=True)
    inner = asked.get("networks", {})
    places = inner.values() if isinstance(inner, Mapping) else ()
    return (own and bool(asked.get("options"))) or any(_has_options_of(place, named, own) for place in places)
