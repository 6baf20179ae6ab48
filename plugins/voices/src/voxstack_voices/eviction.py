"""The choice of voices that are unloaded to make room for another one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from voxstack import CapacityError
from voxstack_voices.leases import LoadedVoice, VoiceKey
from voxstack_voices.weights import Weights, total


def voices_to_evict(
    key: VoiceKey, weights: Weights, loaded: Mapping[VoiceKey, LoadedVoice], reserved: Iterable[Weights], budget: int
) -> list[VoiceKey]:
    """Return the keys of the voices to unload for another one, least recently used first.

    A voice all of whose networks other voices have, too, is evicted only where no other choice frees memory.

    :param key: of the voice to make room for, and ``weights`` the memory that it takes.
    :param loaded: the other loaded voices by key.
    :param reserved: memory of the voices that are being opened now.
    :param budget: limit in bytes.
    :raises CapacityError: if the voices in use leave too little, whatever is unloaded.
    """
    taken = [*reserved, weights]
    busy = {other: voice for other, voice in loaded.items() if voice.users}
    needed = total([*(voice.weights for voice in busy.values()), *taken])
    if needed > budget:
        raise CapacityError(_refusal(key, weights, busy, needed, budget), "memory")
    kept = dict(loaded)
    idle = sorted(kept.keys() - busy.keys(), key=lambda other: kept[other].used)
    evicted: list[VoiceKey] = []
    while (held := total([*(voice.weights for voice in kept.values()), *taken])) > budget:
        others = ((one, [*(voice.weights for other, voice in kept.items() if other != one), *taken]) for one in idle)
        # Voices with equal networks free memory only together: where no single one does, take the oldest.
        victim = next((one for one, rest in others if total(rest) < held), idle[0])
        idle.remove(victim)
        del kept[victim]
        evicted.append(victim)
    return evicted


def _refusal(key: VoiceKey, weights: Weights, busy: Mapping[VoiceKey, LoadedVoice], needed: int, budget: int) -> str:
    users = (
        ", ".join(f"{other}, {_megabytes(total([voice.weights]))}" for other, voice in busy.items()) or "nothing else"
    )
    return (
        f"{key} needs {_megabytes(total([weights]))}, and together with the voices in use ({users}) that is "
        f"{_megabytes(needed)}, more than the budget of {_megabytes(budget)}; try again when a stream has ended, or "
        "raise the budget"
    )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
