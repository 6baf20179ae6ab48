"""The ``voxstack`` command. Its own subcommands come in through the hook that any plugin may implement."""

from __future__ import annotations

import argparse
from importlib import import_module

import pluggy

hookimpl = pluggy.HookimplMarker("voxstack")  # voxstack.hookimpl, without the numpy that importing voxstack costs

COMMANDS = ("say", "voices", "blocks", "contexts", "validate", "inspect")


@hookimpl
def voxstack_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``say``, ``voices``, ``blocks``, ``contexts``, ``validate`` and ``inspect``."""
    for name in COMMANDS:
        import_module(f"voxstack_cli.commands.{name}").add(commands)
