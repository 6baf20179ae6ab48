"""What a plugin may implement."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pluggy

from voxstack.blocks import Block
from voxstack.networks import Context, NetworkSpec, Runner

hookspec = pluggy.HookspecMarker("voxstack")
hookimpl = pluggy.HookimplMarker("voxstack")


@hookspec
def voxstack_blocks() -> Iterable[type[Block]]:  # type: ignore[empty-body]
    """Return block classes. A class is known in a stack by its ``__name__``."""


@hookspec
def voxstack_addons() -> Iterable[Path]:  # type: ignore[empty-body]
    """Return folders of installed addons. A folder has its addon's name."""


@hookspec(firstresult=True)
def voxstack_open_network(spec: NetworkSpec, context: Context) -> Runner | None:
    """Open a network in the runtime that the context names, or return None if that is another's.

    Where the context fixes axes of the network (:func:`voxstack.sizes.fixed_axes`), it is compiled for these sizes and takes no
    others; :class:`voxstack.sizes.PerSize` does that for a runtime that compiles one size at a time.

    :raises ContextError: if the context asks for what is not there; never fall back in silence.
    """


@hookspec
def voxstack_wrap_network(network: Runner, spec: NetworkSpec, context: Context) -> Runner | None:
    """Return a network around ``network`` (fixed shapes, batching, tracing), or None to leave it as it is.

    Plugins are called in pluggy's order: a hook with ``tryfirst=True`` is nearer to the runtime. One that fits calls of any length to
    the ``shapes`` of the context says so by an attribute ``fixed_shapes`` that is true; where nobody does, a network with such
    axes is refused.
    """


@hookspec
def voxstack_devices() -> Iterable[str]:  # type: ignore[empty-body]
    """Return where networks can run on this machine now, as shorthands ``runtime:device``, such as ``onnx:cpu``.

    Asked only when somebody wants to know: it may import the runtime and look for devices.
    """


@hookspec(firstresult=True)
def voxstack_context(name: str, addon: Mapping[str, Any]) -> str | Mapping[str, Any] | None:
    """Return what a name stands for that is none of the addon's contexts, or None if it is not yours.

    :param addon: the addon's configuration.
    :raises ContextError: for a name that is yours, and that stands for nothing here and now.
    """


@hookspec
def voxstack_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add subcommands of the ``voxstack`` command.

    Each parser sets ``run``, a function of the parsed options that returns the exit status:
    ``commands.add_parser("hello", help="...").set_defaults(run=hello)``.
    """
