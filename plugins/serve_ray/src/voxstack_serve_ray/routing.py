"""Which replica takes a request."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any, NamedTuple

from ray.serve.request_router import PendingRequest, ReplicaID, ReplicaResult, RequestRouter, RunningReplica

FULL = 0.8
"""Part of its workers' time from which a replica gets streams only if all others are as busy."""

FRESH = 3.0
"""Seconds in which a voice counts as loaded on a replica that a stream of it was just sent to: reports come later."""


class _Assigned(NamedTuple):
    """A request of this router that a replica is to get, or has."""

    replica: str
    since: float
    routed: bool


class VoiceRouter(RequestRouter):  # type: ignore[misc,unused-ignore]
    """Routes a stream to a replica that has its voice loaded and time left.

    The arguments of a call decide: ``source`` is the voice, and ``avoid`` are replicas that are used only
    if there is no other one.
    """

    def initialize_state(self, **kwargs: Any) -> None:
        """Begin without streams."""
        self._sent: dict[tuple[str, str], float] = {}
        self._assigned: dict[str, _Assigned] = {}

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        """Return the replicas in ranks, the best first: of the best one the replica with the fewest of its streams.

        In a rank, Ray takes the one with the fewest requests as far as it knows, and of many requests at once it sends
        most to the one of which it knows that.
        """
        if pending_request is None:
            return [candidate_replicas]
        pending_request.routing_context.should_backoff = True  # or Ray asks again at once, for ever
        keys = pending_request.kwargs
        others = [one for one in candidate_replicas if one.replica_id.unique_id not in keys.get("avoid", ())]
        free = [one for one in others if _load(one) < FULL]
        loaded = [one for one in free if self._has(one, keys.get("source", ""))]
        ranks = [rank for rank in (loaded, free, others, candidate_replicas) if rank]
        if not ranks or "source" not in keys:
            return ranks
        counts = self._counts({one.replica_id.unique_id for one in candidate_replicas})
        fewest = min(ranks[0], key=lambda one: (counts.get(one.replica_id.unique_id, 0), _load(one)))
        self._assign(pending_request, fewest.replica_id, routed=False)
        return [[fewest], *ranks]

    def on_request_routed(self, pending_request: PendingRequest, replica_id: ReplicaID, result: ReplicaResult) -> None:
        """Record that a stream runs on a replica, which loads its voice now unless it has it."""
        source, now = pending_request.kwargs.get("source"), time.monotonic()
        if source is not None:
            self._sent = {key: sent for key, sent in self._sent.items() if now - sent < FRESH}
            self._sent[replica_id.unique_id, source] = now
            self._assign(pending_request, replica_id, routed=True)

    def on_request_completed(self, replica_id: ReplicaID, internal_request_id: str) -> None:
        """Record that a request has ended."""
        self._assigned.pop(internal_request_id, None)

    def _assign(self, request: PendingRequest, replica: ReplicaID, *, routed: bool) -> None:
        key = request.metadata.internal_request_id
        self._assigned[key] = _Assigned(replica.unique_id, time.monotonic(), routed)

    def _counts(self, present: set[str]) -> Counter[str]:
        """Return the number of requests of each replica, and forget those that were lost with theirs or never sent."""
        oldest = time.monotonic() - FRESH
        self._assigned = {
            key: one
            for key, one in self._assigned.items()
            if one.replica in present and (one.routed or one.since > oldest)
        }
        return Counter(one.replica for one in self._assigned.values())

    def _has(self, replica: RunningReplica, source: str) -> bool:
        """Return whether a replica has a voice loaded, or is loading it."""
        if source in replica.routing_stats.get("voices", ()):
            return True
        sent = self._sent.get((replica.replica_id.unique_id, source))
        return sent is not None and time.monotonic() - sent < FRESH


def _load(replica: RunningReplica) -> float:
    return float(replica.routing_stats.get("load", 0.0))
