"""Checks of what plugins register."""

from __future__ import annotations

import re
from typing import Any

from voxstack import hookspecs
from voxstack.blocks import Block
from voxstack.entry_points import GROUP
from voxstack.errors import PluginError
from voxstack_addon_spec.wording import did_you_mean

_MARK = f"{GROUP}_impl"  # pluggy sets it
_REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def block_name(block: Any) -> str:
    """Return the name of a block: of its class, or of a reference to that.

    :raises PluginError: if it is neither.
    """
    if isinstance(block, str) and _REFERENCE.fullmatch(block):
        return block.partition(":")[2]
    if not (isinstance(block, type) and issubclass(block, Block)):
        problem = "give classes of SequenceBlock or StreamableBlock, or references such as 'package.module:Class'"
        raise PluginError(f"voxstack_blocks() gave {block!r}; {problem}")
    return block.__name__


def check_marks(plugin: Any) -> None:
    """Refuse a plugin with a hook that pluggy would ignore silently.

    :raises PluginError: naming the hooks.
    """
    names = [name for name in vars(hookspecs) if name.startswith("voxstack_") and hasattr(plugin, name)]
    marked = [name for name in dir(plugin) if name.startswith("voxstack_") and hasattr(getattr(plugin, name), _MARK)]
    for name in marked:
        if name not in names:
            known = [name for name in vars(hookspecs) if name.startswith("voxstack_")]
            raise PluginError(f"there is no hook {name}{did_you_mean(name, known, 'remove it')}")
    bare = [name for name in names if not hasattr(getattr(plugin, name), _MARK)]
    if bare:
        raise PluginError(f"{', '.join(bare)} would never be called; decorate with @voxstack.hookimpl")
