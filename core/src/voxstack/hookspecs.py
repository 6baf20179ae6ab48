"""What a plugin may implement."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

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

    :raises ContextError: if the context asks for what is not there; never fall back in silence.
    """


@hookspec
def voxstack_wrap_network(network: Runner, spec: NetworkSpec, context: Context) -> Runner | None:
    """Return a network around ``network`` (fixed shapes, batching, tracing), or None to leave it as it is.

    One that keeps to the ``shapes`` of the context says so by an attribute ``fixed_shapes`` that is true; where nobody does, a
    context with ``shapes`` is refused.
    """


@hookspec
def voxstack_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add subcommands of the ``voxstack`` command.

    Each parser sets ``run``, a function of the parsed options that returns the exit status:
    ``commands.add_parser("hello", help="...").set_defaults(run=hello)``.
    """
