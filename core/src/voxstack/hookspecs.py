"""The hooks that a plugin may implement."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from voxstack.blocks import Block
    from voxstack.networks.network import Runner
    from voxstack_addon_spec import AddonFiles, Context, NetworkSpec

hookspec = pluggy.HookspecMarker("voxstack")
hookimpl = pluggy.HookimplMarker("voxstack")


@hookspec
def voxstack_blocks() -> Iterable[type[Block] | str]:  # type: ignore[empty-body]
    """Return block classes. The ``__name__`` of a class is its name in a stack.

    A reference such as ``"package.module:Class"`` stands for a class that is imported when a stack names it.
    """


@hookspec
def voxstack_addons() -> Iterable[Path]:  # type: ignore[empty-body]
    """Return folders of installed addons. A folder has its addon's name."""


@hookspec
def voxstack_check_addon(files: AddonFiles) -> bool | None:
    """Return True if the code in an addon may run. Called before an addon that is not an installed one is used.

    ``files.config_sha256`` is the hash of the addon.json that was read, which lists those of all other files.

    :raises AddonError: to refuse the addon.
    """


@hookspec(firstresult=True)
def voxstack_open_network(spec: NetworkSpec, context: Context) -> Runner | None:
    """Open a network in the runtime that the context names; return None for another plugin's runtime.

    Where the context fixes axes of the network (:func:`voxstack.networks.sizes.fixed_axes`), it is compiled for these
    sizes and accepts no others; :class:`voxstack.networks.sizes.PerSize` helps a runtime that compiles one size at a
    time.

    :raises ContextError: if the context requests something unavailable; never fall back silently.
    """


@hookspec
def voxstack_wrap_network(network: Runner, spec: NetworkSpec, context: Context) -> Runner | None:
    """Return a network around ``network`` (fixed shapes, batching, tracing), or None to leave it unwrapped.

    Plugins are called in pluggy's order: a hook with ``tryfirst=True`` is closer to the runtime. A wrapper that fits
    calls of any length to the ``shapes`` of the context has a true attribute ``fixed_shapes``; without one, a network
    with such axes is refused.
    """


@hookspec
def voxstack_devices(formats: Collection[str] | None) -> Iterable[str]:  # type: ignore[empty-body]
    """Return where networks can run on this machine now, as ``runtime:device``, such as ``onnx:cpu``.

    Called only to list devices: it may import the runtime and probe the hardware.

    :param formats: of the exports that are to be run; None for any. A runtime that runs none of them may return
        nothing before it imports anything.
    """


@hookspec(firstresult=True)
def voxstack_context(name: str, addon: Mapping[str, Any]) -> str | Mapping[str, Any] | None:
    """Resolve a context name that the addon does not define; return None for names of other plugins.

    :param addon: the addon's configuration.
    :raises ContextError: for a name of this plugin that resolves to nothing here and now.
    """


@hookspec(firstresult=True)
def voxstack_lexicon(source: Any) -> object | None:
    """Return the lexicon that a request or an application sets; return None for a source of another plugin.

    A lexicon has the method ``find(text)``, which yields its words in a text, from left to right, each with ``start``,
    ``end``, ``kind`` ("phones", "ipa" or "alias"), ``value``, ``ending`` and ``where``; ``entries``, all of them; and
    ``over(other)``, which returns a lexicon of both.

    :param source: what the caller passed: a mapping, a path, or a list of these.
    :raises RequestError: with the file, the line and what is wrong.
    """


@hookspec
def voxstack_contract_cases() -> Iterable[Any]:  # type: ignore[empty-body]
    """Return what the contract kit runs on this plugin: blocks, or cases of :mod:`voxstack.testing`.

    Called only by ``pytest --voxstack-contract``: import what makes the cases here. Blocks without a case are tried on
    input by default.
    """
