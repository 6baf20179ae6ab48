"""The state of all replicas together, as far as it is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from voxstack_serve_ray.messages import ReplicaState, VoiceRow


class Work(NamedTuple):
    """Seconds of work, and of the audio that it produced."""

    seconds: float
    audio: float


class ClusterState:
    """The reports of the schedulers and voices of replicas, added up.

    ``replicas`` is replaced as a whole, so that any thread may read it.
    """

    def __init__(self) -> None:
        self.replicas: Sequence[ReplicaState] = ()

    @property
    def workers(self) -> int:
        """Number of streams that compute at once; at least one, as it is divided by."""
        return sum(one.workers for one in self.replicas) or 1

    def demand(self) -> float:
        """Return the seconds of work per second that the streams need, as far as measured."""
        return sum(one.demand for one in self.replicas)

    def work(self) -> dict[str, Work]:
        """Return the work of the streams that have ended, by voice; that of replicas that have gone is missing."""
        found: dict[str, Work] = {}
        for one in self.replicas:
            for voice, (seconds, audio) in one.work.items():
                before = found.get(voice, Work(0.0, 0.0))
                found[voice] = Work(before.seconds + seconds, before.audio + audio)
        return found

    def voices(self) -> list[VoiceRow]:
        """Return the loaded voices, each over all replicas: the sum of its users and bytes, and its last use."""
        found: dict[str, VoiceRow] = {}
        for row in (row for one in self.replicas for row in one.voices):
            found[row.name] = _joined(found[row.name], row) if row.name in found else row
        return sorted(found.values(), key=lambda row: row.idle)


def _joined(one: VoiceRow, other: VoiceRow) -> VoiceRow:
    return one._replace(
        users=one.users + other.users,
        idle=min(one.idle, other.idle),
        own=one.own + other.own,
        shared=one.shared + other.shared,
        problem=one.problem or other.problem,
    )
