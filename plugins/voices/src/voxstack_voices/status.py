"""The status report of loaded voices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from voxstack_voices.leases import LoadedVoice, VoiceKey
from voxstack_voices.weights import total


@dataclass(frozen=True)
class VoiceStatus:
    """The status of one loaded voice.

    :param users: streams that run on it, and other uses that have not ended.
    :param idle: seconds since its last use; 0 while it is in use.
    :param own: bytes that unloading it would free.
    :param shared: bytes of networks that other loaded voices have, too.
    :param problem: why the addon on disk, which has changed, is not used; empty if there is no problem.
    :param context: that requests named; None: that of all voices.
    """

    name: str
    version: str
    users: int
    idle: float
    own: int
    shared: int
    problem: str = ""
    context: str | None = None


def status_of(loaded: Mapping[VoiceKey, LoadedVoice], now: float) -> list[VoiceStatus]:
    """Return the status of each voice, the most recently used first.

    :param now: time in seconds of the clock of the voices.
    """
    everything = total(voice.weights for voice in loaded.values())
    statuses = []
    for key, voice in sorted(loaded.items(), key=lambda item: -item[1].used):
        own = everything - total(other.weights for other in loaded.values() if other is not voice)
        users, version = voice.users, voice.voice.addon.config["version"]
        idle = 0.0 if users else now - voice.used
        shared = total([voice.weights]) - own
        statuses.append(VoiceStatus(key.name, version, users, idle, own, shared, voice.problem, key.context))
    return statuses
