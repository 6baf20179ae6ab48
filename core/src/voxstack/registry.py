"""Block classes, addons and hooks of the installed plugins."""

from __future__ import annotations

import functools
import os
import pkgutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import pluggy

from voxstack import builtin, hookspecs
from voxstack.blocks import Block
from voxstack.entry_points import GROUP, EntryPoint, select_entry_points
from voxstack.errors import PluginError, VoxstackError, describe
from voxstack.plugin_checks import block_name, check_marks
from voxstack.streaming.forks import renew_after_fork
from voxstack_addon_spec.opening import SUFFIXES
from voxstack_addon_spec.wording import did_you_mean, short_repr

T = TypeVar("T")


class Registry(Mapping[str, type[Block]]):
    """Block classes by name, with the addons and hook implementations of the same plugins.

    One plugin's mistake never disables the others: ``broken`` holds the error of each plugin that could not be imported
    or registered, and a block name that two plugins claim raises only when it is looked up.

    :param plugins: module, or any object with hook implementations, by plugin name.
    :param broken: errors of plugins that could not be imported.
    :param distribution_of: returns the distribution of a plugin name, for errors; called only when one is raised.
    """

    def __init__(
        self,
        plugins: Mapping[str, Any],
        broken: Mapping[str, Exception] | None = None,
        distribution_of: Callable[[str], str] = str,
    ) -> None:
        self.broken = dict(broken or {})
        self._distribution_of = distribution_of
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._claims: dict[str, dict[str, type[Block] | str]] = {}  # by block, by plugin: the class, or where it is
        self._addons: dict[str, Path] = {}
        self._shared: dict[object, Any] = {}
        self.after_fork()
        renew_after_fork(self)
        for name, plugin in {"voxstack": builtin, **plugins}.items():
            self._register(name, plugin)

    def after_fork(self) -> None:
        """Renew the lock: who held it in the parent is gone."""
        self._lock = threading.RLock()

    @classmethod
    @functools.cache
    def installed(cls) -> Registry:
        """Return the registry of every plugin in the ``voxstack`` entry-point group, imported once per process."""
        plugins: dict[str, Any] = {}
        broken: dict[str, Exception] = {}
        points: dict[str, EntryPoint] = {}
        for point in select_entry_points(GROUP):
            points[f"{point.name} of {point.value}" if point.name in points else point.name] = point
        for name, point in points.items():
            try:
                plugins[name] = point.load()
            except Exception as error:  # a third party's mistake must not take the host down; it is reported
                broken[name] = error
        return cls(plugins, broken, lambda name: points[name].distribution)

    def with_plugins(self, plugins: Mapping[str, Any]) -> Registry:
        """Return a registry of these plugins and this registry's own; a new plugin replaces one of the same name."""
        own = {name: plugin for name, plugin in self._manager.list_name_plugin() if plugin is not None}
        del own["voxstack"]
        return Registry(
            {**own, **plugins}, self.broken, lambda name: name if name in plugins else self._distribution_of(name)
        )

    def __getitem__(self, name: str) -> type[Block]:
        """Return the block class of this name.

        :raises PluginError: if two plugins bring a block of this name, or its class cannot be imported.
        :raises KeyError: if none does.
        """
        claims = {plugin: self._imported(block, plugin) for plugin, block in self._claims[name].items()}
        if len(set(claims.values())) > 1:
            rows = " and ".join(f"{self._distribution(plugin)} ({cls.__module__})" for plugin, cls in claims.items())
            raise PluginError(f"two plugins bring a block named {name!r}: {rows}; uninstall one, or rename its class")
        return next(iter(claims.values()))

    def __contains__(self, name: object) -> bool:
        return name in self._claims

    def __iter__(self) -> Iterator[str]:
        return iter(self._claims)

    def __len__(self) -> int:
        return len(self._claims)

    def block(self, name: str) -> type[Block]:
        """Return the block class of this name.

        :raises PluginError: with the closest name if no plugin brings it; or if two plugins bring a block of this name.
        """
        if name not in self._claims:
            advice = did_you_mean(name, self, "voxstack blocks lists those of the installed plugins")
            raise PluginError(f"no block named {name!r}{advice}{self.broken_plugins_note()}")
        return self[name]

    def distributions_of(self, name: str) -> str:
        """Return the names of the distributions that bring a block, separated by commas."""
        return ", ".join(self._distribution(plugin) for plugin in self._claims[name])

    def addons(self) -> dict[str, Path]:
        """Return the folders of installed addons by name."""
        return dict(self._addons)

    def addon(self, name: str) -> Path:
        """Return the folder of an installed addon.

        :raises PluginError: with the closest name and those that are installed.
        """
        if name not in self._addons:
            own = name.replace("_", "-").removeprefix("voxstack-").removeprefix("voice-")
            meant = did_you_mean(own, self._addons)
            raise PluginError(
                f"no addon named {name!r} is installed{f'{meant} Give' if meant else '; give'} one of "
                f"{', '.join(sorted(self._addons)) or 'none, as none is installed'}, or the path of a folder or .zip"
                f"{self.broken_plugins_note()}"
            )
        return self._addons[name]

    def locate(self, source: str | Path) -> tuple[Path, bool]:
        """Return the path of an addon, and whether it is an installed one.

        :param source: the name of an installed addon, which takes precedence over a path of that name; or the path of a
            folder or ``.zip``.
        :raises PluginError: for a name that is not installed, and for anything else than a name or a path.
        """
        if not isinstance(source, str | os.PathLike) or not source or isinstance(os.fspath(source), bytes):
            known = ", ".join(sorted(self._addons)) or "none is installed"
            problem = f"{short_repr(source)} ({type(source).__name__}) is no addon"
            raise PluginError(
                f"{problem}; give the name of an installed one ({known}), or the path of a folder or .zip"
            )
        path = Path(source)
        is_path = not isinstance(source, str) or path.exists() or path.name != source or path.suffix in SUFFIXES
        if is_path and (str(source) not in self._addons or (not isinstance(source, str) and path.exists())):
            return path, False
        return self.addon(str(source)), True

    @property
    def hook(self) -> Any:
        """Pluggy's hook callers."""
        return self._manager.hook

    def implementations(self, hook: str) -> list[Any]:
        """Return the implementations of a hook, in the order in which pluggy calls them."""
        return list(reversed(getattr(self._manager.hook, hook).get_hookimpls()))

    def call(self, impl: Any, **offered: Any) -> Any:
        """Call one implementation of a hook with those of the arguments that it names.

        :raises PluginError: naming the plugin, if it fails otherwise than on purpose.
        """
        try:
            return impl.function(*(offered[name] for name in impl.argnames))
        except VoxstackError:
            raise
        except Exception as error:
            home = self._distribution(impl.plugin_name)
            problem = f"{impl.function.__name__} of plugin {impl.plugin_name!r} ({home}) failed: {describe(error)}"
            raise PluginError(f"{problem}; update or uninstall it") from error

    def broken_plugins(self) -> list[str]:
        """Return what is wrong with installed plugins."""
        rows = ((name, self._distribution(name), error) for name, error in self.broken.items())
        return [f"plugin {name!r} ({home}) is broken: {error!r}" for name, home, error in rows]

    def broken_plugins_note(self) -> str:
        """Return what is wrong with the installed plugins, to end an error with; empty if nothing is."""
        return "".join(f"; {problem}" for problem in self.broken_plugins())

    def shared(self, factory: Callable[[Registry], T]) -> T:
        """Return what ``factory`` makes of this registry, made on first use and shared by all later callers."""
        with self._lock:
            if factory not in self._shared:
                self._shared[factory] = factory(self)
            made: T = self._shared[factory]
        return made

    def _register(self, name: str, plugin: Any) -> None:
        try:
            self._manager.register(plugin, name)
        except Exception as error:  # as in installed()
            self.broken[name] = error
            return
        try:
            check_marks(plugin)
            blocks = {block_name(block): block for block in self._answers("voxstack_blocks", plugin)}
            addons = [Path(folder) for folder in self._answers("voxstack_addons", plugin)]
        except Exception as error:  # as in installed()
            self.broken[name] = error
            self._manager.unregister(plugin)
            return
        for own, block in blocks.items():
            self._claims.setdefault(own, {})[name] = block
        self._addons.update({folder.name: folder for folder in addons})

    def _answers(self, hook: str, plugin: Any) -> list[Any]:
        """Return the answers of one plugin; one at a time, so that an error in it is its own."""
        impls = [impl for impl in self.implementations(hook) if impl.plugin is plugin]
        answers = [impl.function() or () for impl in impls]
        for answer in answers:
            if isinstance(answer, str | Path) or not isinstance(answer, Iterable):
                raise PluginError(f"{hook}() gave {answer!r:.80}; return a list")
        return [item for answer in answers for item in answer]

    def _imported(self, reference: type[Block] | str, plugin: str) -> type[Block]:
        """Return the class that a plugin refers to.

        :raises PluginError: if it cannot be imported, or is no block.
        """
        if not isinstance(reference, str):
            return reference
        try:
            cls = pkgutil.resolve_name(reference)
            if block_name(cls) != reference.partition(":")[2]:
                raise PluginError(f"it is named {cls.__name__!r}")
        except Exception as error:
            raise PluginError(
                f"block {reference!r} of plugin {plugin!r} ({self._distribution(plugin)}) cannot be imported: "
                f"{describe(error)}; update or reinstall it"
            ) from error
        return cast("type[Block]", cls)

    def _distribution(self, plugin: str) -> str:
        return "voxstack-core" if plugin == "voxstack" else self._distribution_of(plugin)
