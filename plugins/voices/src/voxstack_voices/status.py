"""What is told of loaded voices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from voxstack_voices.leases import Entry
from voxstack_voices.weights import total


@dataclass(frozen=True)
class Loaded:
    """A voice that is loaded.

    :param users: streams that run on it, and other uses that have not ended.
    :param idle: seconds since it was used last; 0 while it is.
    :param own: bytes that unloading it would give back.
    :param shared: bytes of networks that other loaded voices have, too.
    :param problem: why the addon on disk, which has changed, is not used; empty if all is well.
    """

    name: str
    version: str
    users: int
    idle: float
    own: int
    shared: int
    problem: str = ""


def rows(entries: Mapping[str, Entry], now: float) -> list[Loaded]:
    """One for each voice, the most recently used first."""
    everything, told = total(entry.weights for entry in entries.values()), []
    for name, entry in sorted(entries.items(), key=lambda item: -item[1].used):
        own = everything - total(other.weights for other in entries.values() if other is not entry)
        users, version = entry.users, entry.voice.addon.config["version"]
        idle = 0.0 if users else now - entry.used
        told.append(Loaded(name, version, users, idle, own, total([entry.weights]) - own, entry.problem))
    return told
