"""Finds installed plugins and what they bring."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import pluggy
from importlib_metadata import EntryPoint, entry_points

from voxstack import builtin, hookspecs
from voxstack.blocks import Block
from voxstack.errors import ContextError, PluginError
from voxstack.networks import Context, Network, NetworkSpec
from voxstack.sizes import fixed_axes
from voxstack_addon_spec.wording import nearest

GROUP = "voxstack"


class Registry(Mapping[str, type[Block]]):
    """Block classes by name, and everything else that plugins bring.

    A plugin's mistake never takes the others down: ``broken`` holds the error of each plugin that would not import or
    register, and a name that two plugins claim raises only when it is asked for.

    :param plugins: module, or any object with hook implementations, by plugin name.
    :param broken: errors of plugins that could not be imported.
    :param home: gives the name of the distribution that a plugin came with, for errors; it is not asked before there is one.
    """

    def __init__(
        self,
        plugins: Mapping[str, Any],
        broken: Mapping[str, Exception] | None = None,
        home: Callable[[str], str] = str,
    ) -> None:
        self.broken = dict(broken or {})
        self._home = home
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._claims: dict[str, dict[str, type[Block]]] = {}
        self._addons: dict[str, Path] = {}
        self._networks: WeakValueDictionary[tuple[object, ...], Network] = WeakValueDictionary()
        self._opening = threading.Lock()
        for name, plugin in {"voxstack": builtin, **plugins}.items():
            self._register(name, plugin)

    @classmethod
    @functools.cache
    def installed(cls) -> Registry:
        """Import every plugin that announces itself in the ``voxstack`` entry point group, once a process."""
        plugins: dict[str, Any] = {}
        broken: dict[str, Exception] = {}
        points: dict[str, EntryPoint] = {}
        for point in entry_points(group=GROUP):
            points[f"{point.name} of {point.value}" if point.name in points else point.name] = point
        for name, point in points.items():
            try:
                plugins[name] = point.load()
            except Exception as error:  # a third party's mistake must not take the host down; it is reported
                broken[name] = error
        return cls(plugins, broken, lambda name: getattr(points[name].dist, "name", "an unknown distribution"))

    def beside(self, plugins: Mapping[str, Any]) -> Registry:
        """A registry with the plugins of this one and more; one of a name that is here takes its place."""
        own = {
            name: plugin
            for name, plugin in self._manager.list_name_plugin()
            if plugin is not None and name != "voxstack"
        }
        return Registry({**own, **plugins}, self.broken, lambda name: name if name in plugins else self._home(name))

    def _register(self, name: str, plugin: Any) -> None:
        try:
            self._manager.register(plugin, name)
        except Exception as error:  # likewise
            self.broken[name] = error
            return
        try:
            _check_marks(plugin)
            blocks = self._answers("voxstack_blocks", plugin)
            for cls in blocks:
                if not (isinstance(cls, type) and issubclass(cls, Block)):
                    raise PluginError(
                        f"voxstack_blocks() gave {cls!r}; give classes of SequenceBlock or StreamableBlock"
                    )
            addons = [Path(folder) for folder in self._answers("voxstack_addons", plugin)]
        except Exception as error:  # likewise
            self.broken[name] = error
            self._manager.unregister(plugin)
            return
        for cls in blocks:
            self._claims.setdefault(cls.__name__, {})[name] = cls
        self._addons.update({folder.name: folder for folder in addons})

    def _answers(self, hook: str, plugin: Any) -> list[Any]:
        """What one plugin answers; one at a time, so that an error in it is its own."""
        impls = getattr(self._manager.hook, hook).get_hookimpls()
        return [item for impl in impls if impl.plugin is plugin for item in impl.function() or ()]

    def __getitem__(self, name: str) -> type[Block]:
        """Return the block class of this name.

        :raises PluginError: if two plugins bring a block of this name.
        :raises KeyError: if none does.
        """
        claims = self._claims[name]
        if len(set(claims.values())) > 1:
            rows = " and ".join(f"{self._distribution(plugin)} ({cls.__module__})" for plugin, cls in claims.items())
            raise PluginError(f"two plugins bring a block named {name!r}: {rows}; uninstall one, or rename its class")
        return next(iter(claims.values()))

    def block(self, name: str) -> type[Block]:
        """Return the block class of this name.

        :raises PluginError: with the closest name and what is installed; or if two plugins bring a block of this name.
        """
        if name not in self._claims:
            listing = f"\n  installed: {', '.join(sorted(self))}"
            raise PluginError(f"no block named {name!r}{nearest(name, self)}{listing}{self.troubles()}")
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._claims)

    def __len__(self) -> int:
        return len(self._claims)

    def home(self, name: str) -> str:
        """Names of the distributions that bring a block."""
        return ", ".join(self._distribution(plugin) for plugin in self._claims[name])

    def _distribution(self, plugin: str) -> str:
        return "voxstack-core" if plugin == "voxstack" else self._home(plugin)

    @property
    def hook(self) -> Any:
        """Pluggy's hook callers, for hooks that the core does not call itself."""
        return self._manager.hook

    def troubles(self) -> str:
        """What is wrong with the installed plugins, a line each, to end an error with; empty if nothing is."""
        return "".join(
            f"\n  plugin {name!r} ({self._distribution(name)}) is broken: {error!r}"
            for name, error in self.broken.items()
        )

    def addons(self) -> dict[str, Path]:
        """Folders of installed addons by name."""
        return dict(self._addons)

    def addon(self, name: str) -> Path:
        """Folder of one installed addon.

        :raises PluginError: naming the close ones and the ``pip install`` line.
        """
        known = self.addons()
        if name not in known:
            raise PluginError(
                f"no addon named {name!r} is installed{nearest(name, known)}\n  installed: {', '.join(sorted(known)) or 'none'}"
                f"\n  give a folder or .zip, or try: pip install voxstack-voice-{name}{self.troubles()}"
            )
        return known[name]

    def locate(self, source: str | Path) -> tuple[Path, bool]:
        """Return where an addon lies, and whether it is an installed one.

        :param source: the name of an installed addon, which goes before a path of that name; or the path of a folder or ``.zip``.
        :raises PluginError: for a name that is not installed.
        """
        path = Path(source)
        is_path = not isinstance(source, str) or path.exists() or path.name != source or source.endswith(".zip")
        if is_path and source not in self._addons:
            return path, False
        return self.addon(str(source)), True

    def open(self, spec: NetworkSpec, context: Context) -> Network:
        """Open a network in a context; the same network in the same context is opened once as long as it is in use.

        :raises ContextError: if no plugin brings the runtime, or nothing keeps to the fixed shapes asked for.
        """
        key = (spec.digest, spec.trusted, context.key())
        with self._opening:
            network = self._networks.get(key)
            if network is None:
                layers = self._layers(spec, context)
                network = self._networks[key] = Network(spec, context, [*layers.values()][-1], layers)
        return network

    def devices(self) -> dict[str, str]:
        """The places that can be had on this machine, as shorthands ``runtime:device``, each with the plugin that brings it.

        Runtimes are imported for it; a plugin that fails is ``broken``, and the others are still there.
        """
        found: dict[str, str] = {}
        for impl in self._impls("voxstack_devices"):
            try:
                found.update({str(device): impl.plugin_name for device in impl.function()})
            except Exception as error:  # a third party's mistake must not take the others down; it is reported
                self.broken[impl.plugin_name] = error
        return dict(sorted(found.items()))

    def context(self, name: str, config: Mapping[str, Any]) -> str | Mapping[str, Any] | None:
        """What a plugin makes of the name of a context that an addon does not have; None if none knows it."""
        found: str | Mapping[str, Any] | None = self._manager.hook.voxstack_context(name=name, addon=config)
        return found

    def _layers(self, spec: NetworkSpec, context: Context) -> dict[str, Any]:
        """What opens a network and what goes around it, by plugin, the runtime first."""
        layers: dict[str, Any] = {}
        for impl in self._impls("voxstack_open_network"):
            run = _answer(impl, spec=spec, context=context)
            if run is not None:
                layers[impl.plugin_name] = run
                break
        else:
            raise ContextError(
                f"network {spec.name!r}: no runtime named {context.runtime!r} is installed; "
                f"try: pip install voxstack-{context.runtime}-runtime{self.troubles()}"
            )
        fixed = False
        for impl in self._impls("voxstack_wrap_network"):
            around = _answer(impl, network=[*layers.values()][-1], spec=spec, context=context)
            if around is not None:
                layers[impl.plugin_name] = around
                fixed = fixed or getattr(around, "fixed_shapes", False)
        if not fixed and (axes := fixed_axes(spec, context)):
            raise ContextError(
                f"network {spec.name!r}: the context asks for fixed shapes {axes}, and no plugin keeps to them; "
                "try: pip install voxstack-fixed-shapes"
            )
        return layers

    def _impls(self, hook: str) -> list[Any]:
        """Implementations of a hook, in the order in which pluggy calls them."""
        return list(reversed(getattr(self._manager.hook, hook).get_hookimpls()))


def _answer(impl: Any, **offered: Any) -> Any:
    """Call one implementation with what it asks for."""
    return impl.function(*(offered[name] for name in impl.argnames))


def _check_marks(plugin: Any) -> None:
    """Refuse a plugin with a hook that pluggy would pass over in silence.

    :raises PluginError: naming the hooks.
    """
    names = [name for name in vars(hookspecs) if name.startswith("voxstack_") and hasattr(plugin, name)]
    bare = [name for name in names if not hasattr(getattr(plugin, name), f"{GROUP}_impl")]
    if bare:
        raise PluginError(f"{', '.join(bare)} would never be called; decorate with @voxstack.hookimpl")
