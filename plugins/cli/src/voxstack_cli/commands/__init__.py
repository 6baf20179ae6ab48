"""The cli's own commands, one module each.

``command`` adds the arguments and imports nothing heavy; ``run`` does the work.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module

Command = Callable[[argparse.ArgumentParser], None]
"""Adds the arguments of a command to its parser, and sets ``run``. Its docstring is the description of the command."""

OWN = ("say", "read", "voices", "blocks", "contexts", "validate", "inspect", "diff")
"""Names of the commands in this package, in the order of ``voxstack --help``."""


def own_command(name: str) -> Command:
    """Return one of the commands in this package."""
    command: Command = import_module(f"{__name__}.{name}").command
    return command
