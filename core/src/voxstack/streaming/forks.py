"""Locks and counts in forked children, in which only the thread that forked goes on."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class ForkAware(Protocol):
    """An object with locks, or counts of what threads do."""

    def after_fork(self) -> None:
        """Make the object usable in a forked child: new locks, and nothing held by threads that are gone."""


_OBJECTS: weakref.WeakValueDictionary[int, ForkAware] = weakref.WeakValueDictionary()


def renew_after_fork(owner: ForkAware) -> None:
    """Call ``owner.after_fork()`` in every forked child, as long as ``owner`` exists."""
    _OBJECTS[id(owner)] = owner


def _renew() -> None:
    for owner in list(_OBJECTS.values()):
        owner.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
