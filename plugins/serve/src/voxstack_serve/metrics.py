"""Figures of a service for Prometheus."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prometheus_client import CollectorRegistry

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable by which prometheus_client shares the figures of several processes through files."""

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """The figures of one service, in a registry of their own.

    Where :data:`DIRECTORY` was set before prometheus_client was imported, :meth:`page` has those of all processes.
    """

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.registry = registry = CollectorRegistry()
        self.responses = Counter("voxstack_http_responses", "Responses to requests.", ["status"], registry=registry)
        outcomes = "Streams that have ended."
        self.streams = Counter("voxstack_streams", outcomes, ["voice", "outcome"], registry=registry)
        running = "Streams that run now."
        self.running = Gauge("voxstack_streams_running", running, registry=registry, multiprocess_mode="livesum")
        passed_on = "Seconds of audio that were passed on."
        self.audio = Counter("voxstack_audio_seconds", passed_on, ["voice"], registry=registry)
        first = "Seconds from the request of a stream to its first audio."
        self.first = Histogram("voxstack_first_audio_seconds", first, ["voice"], registry=registry, buckets=SECONDS)

    def value(self, name: str, labels: Mapping[str, str] = {}) -> float:
        """Return a figure of this process by the name of its sample; 0 where there is none yet."""
        return self.registry.get_sample_value(name, dict(labels)) or 0.0

    def page(self, accept: str = "") -> tuple[bytes, str]:
        """Return all figures in the format that a client accepts, and the media type of that."""
        from prometheus_client.exposition import choose_encoder

        encode, media_type = choose_encoder(accept)
        return encode(self._all_processes()), media_type

    def _all_processes(self) -> CollectorRegistry:
        if DIRECTORY not in os.environ:
            return self.registry
        from prometheus_client import CollectorRegistry
        from prometheus_client.multiprocess import MultiProcessCollector

        found = CollectorRegistry()
        MultiProcessCollector(found)  # type: ignore[no-untyped-call]
        return found
