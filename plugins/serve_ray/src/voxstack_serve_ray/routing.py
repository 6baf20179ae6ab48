"""Which replica takes a request."""

from __future__ import annotations

import time
from typing import Any

from ray.serve.request_router import PendingRequest, ReplicaID, ReplicaResult, RequestRouter, RunningReplica

FULL = 0.8
"""Part of its workers' time from which a replica gets streams only if all others are as busy."""

FRESH = 3.0
"""Seconds in which a voice counts as loaded on a replica that a stream of it was just sent to: reports come later."""


class VoiceRouter(RequestRouter):  # type: ignore[misc,unused-ignore]
    """Routes a stream to a replica that has its voice loaded and time left.

    The arguments of a call decide: ``source`` is the voice, and ``avoid`` are replicas that are used only
    if there is no other one.
    """

    def initialize_state(self, **kwargs: Any) -> None:
        """Begin without streams."""
        self._sent: dict[tuple[str, str], float] = {}

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        """Return the replicas in ranks, the best first; in a rank, Ray takes the one with the fewest requests."""
        if pending_request is None:
            return [candidate_replicas]
        pending_request.routing_context.should_backoff = True  # or Ray asks again at once, for ever
        keys = pending_request.kwargs
        others = [one for one in candidate_replicas if one.replica_id.unique_id not in keys.get("avoid", ())]
        free = [one for one in others if one.routing_stats.get("load", 0.0) < FULL]
        loaded = [one for one in free if self._has(one, keys.get("source", ""))]
        return [rank for rank in (loaded, free, others, candidate_replicas) if rank]

    def on_request_routed(self, pending_request: PendingRequest, replica_id: ReplicaID, result: ReplicaResult) -> None:
        """Record that a stream runs on a replica, which loads its voice now unless it has it."""
        source, now = pending_request.kwargs.get("source"), time.monotonic()
        if source is not None:
            self._sent = {key: sent for key, sent in self._sent.items() if now - sent < FRESH}
            self._sent[replica_id.unique_id, source] = now

    def _has(self, replica: RunningReplica, source: str) -> bool:
        """Return whether a replica has a voice loaded, or is loading it."""
        if source in replica.routing_stats.get("voices", ()):
            return True
        sent = self._sent.get((replica.replica_id.unique_id, source))
        return sent is not None and time.monotonic() - sent < FRESH
