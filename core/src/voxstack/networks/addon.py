"""An addon: its files, its plugins and its context."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxstack.display import Displayed
from voxstack.errors import AddonError, ContextError
from voxstack.networks.network import Network
from voxstack.networks.opening import NetworkPool, resolve_context
from voxstack_addon_spec import AddonFiles, Context, ContextLike, NetworkSpec, open_addon
from voxstack_addon_spec.borrowing import network_specs
from voxstack_addon_spec.context_checks import check_context, takes_options_from
from voxstack_addon_spec.wording import did_you_mean

if TYPE_CHECKING:
    from voxstack.registry import Registry


class Addon(Displayed):
    """The files of an addon, the plugins that serve it, and the context that its networks run in.

    :param files: the opened and validated files.
    :param registry: provides blocks, runtimes and the addons whose networks this one borrows.
    :param context: for networks whose block names none: a name from the addon's ``contexts``, ``runtime:device``, or a
        mapping.
    :param trust: run code from this addon (a ``.pt2`` is code).
    """

    def __init__(
        self,
        files: AddonFiles,
        registry: Registry,
        context: ContextLike | Context | None = None,
        trust: bool = False,
    ) -> None:
        self.files = files
        self.registry = registry
        self.config: dict[str, Any] = files.config
        self.name: str = self.config["name"]
        self.trust = self._check() or trust  # trust in its code does not replace the check
        self.networks: dict[str, NetworkSpec] = network_specs(files, self.trust, registry.addon)
        self.context = self._context(context)
        self._opened: list[weakref.ref[Network]] = []
        self._recorded: list[Network] = []

    @classmethod
    def open(
        cls,
        source: str | Path,
        registry: Registry,
        context: ContextLike | Context | None = None,
        trust: bool = False,
    ) -> Addon:
        """Open an installed addon by name, or a folder or ``.zip`` by path. Addons installed with pip are trusted.

        :raises PluginError: if no addon of this name is installed.
        :raises AddonError: if the addon is missing or damaged.
        """
        path, installed = registry.locate(source)
        return cls(open_addon(path), registry, context, trust or installed)

    def __repr__(self) -> str:
        return f"Addon({self.name!r} {self.config['version']}, {len(self.networks)} networks)"

    def network(self, name: str, context: ContextLike | None = None) -> Network:
        """Open a network in this addon's context, or in another one.

        :raises ContextError: if the context is unavailable.
        """
        return self._open(self.select(name, ""), self._context_of(name, context))

    def stream_network(self, name: str, context: ContextLike | None = None) -> Network:
        """Open the best form of a streaming network: stateful, if the context allows it and the runtime supports it.

        :raises ContextError: if the runtime supports none.
        """
        chosen = self._context_of(name, context)
        *others, last = self.select(name, "").forms(chosen)
        for form in others:
            try:
                return self._open(form, chosen)
            except ContextError:  # the runtime may support the format of another form; if not, the last error says so
                continue
        return self._open(last, chosen)

    def file(self, name: str) -> Path:
        """Return the path of a file of the addon, for a block that reads a table or a model of its own kind.

        :param name: as addon.json lists it in ``files``.
        :raises AddonError: if the file is not listed, missing, or not as listed.
        """
        return self.files.path(name)

    def _check(self) -> bool:
        """Return whether a plugin trusts the code of this addon. Installed addons are what pip has checked.

        :raises AddonError: if a plugin refuses the addon.
        """
        installed = Path(self.files.location) in self.registry.addons().values()
        implementations = [] if installed else self.registry.implementations("voxstack_check_addon")
        answers = [self.registry.call(impl, files=self.files) for impl in implementations]  # each may refuse it
        return any(answers)

    @property
    def opened(self) -> list[Network]:
        """Networks that this addon has opened and that are still in use."""
        return [network for ref in self._opened if (network := ref()) is not None]

    def _open(self, spec: NetworkSpec, context: Context) -> Network:
        network = self.registry.shared(NetworkPool).open(spec, context)
        if not any(network is other for other in self.opened):
            self._opened.append(weakref.ref(network))
        self._recorded.append(network)
        return network

    @contextmanager
    def recorded(self) -> Iterator[list[Network]]:
        """Provide a list of the networks that the block inside opens, complete when it ends."""
        self._recorded = []
        try:
            yield self._recorded
        finally:
            self._recorded = []

    def _context_of(self, name: str, context: ContextLike | None) -> Context:
        """Return the context of a network: the one that a block names, or this addon's own."""
        chosen = self.context if context is None else self._context(context)
        return chosen.for_network(name, self.select(name, "").role)

    def _context(self, requested: ContextLike | Context | None) -> Context:
        named = self.config.get("contexts", {})

        def resolve(name: str) -> ContextLike | None:
            return resolve_context(self.registry, name, self.config)

        context = Context.of(requested, named, self.name, resolve)
        if not self.trust and takes_options_from(named, requested):
            raise ContextError(
                f"{self.name}: a context of this addon has 'options', which can name files and libraries, and this "
                "addon was not installed with pip; load(..., trust=True) if you trust it, or give a context of your own"
            )
        check_context(context, self.networks.values(), self.name)
        return context

    def select(self, name: str | None, role: str) -> NetworkSpec:
        """Return the network of this name or, if ``name`` is None, the only network of this role.

        :raises AddonError: listing the addon's networks.
        """
        if name is not None:
            if name in self.networks:
                return self.networks[name]
            problem = f"there is no network named {name!r}{did_you_mean(name, self.networks)}"
            raise AddonError(self.name, f"{problem} ({self._listing()})")
        found = [spec for spec in self.networks.values() if spec.role == role]
        if len(found) != 1:
            count = "no network" if not found else "more than one network"
            advice = f"name one in the block's 'network' ({self._listing()})"
            raise AddonError(self.name, f"{count} of role {role!r}; {advice}")
        return found[0]

    def select_all(self, names: Iterable[str] | None, role: str) -> list[NetworkSpec]:
        """Return the networks of these names, each once or, if ``names`` is None, all networks of this role.

        :raises AddonError: if a name is unknown, or there is no network of this role.
        """
        if names:
            return [self.select(name, role) for name in dict.fromkeys(names)]
        found = [spec for spec in self.networks.values() if spec.role == role]
        if not found:
            problem = f"there is no network of role {role!r}; leave this block out, or name its networks"
            raise AddonError(self.name, problem)
        return found

    def _listing(self) -> str:
        return "it has " + (", ".join(f"{spec.name}: {spec.role}" for spec in self.networks.values()) or "none")
