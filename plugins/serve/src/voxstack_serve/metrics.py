"""Figures of a service for Prometheus."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable by which prometheus_client shares the figures of several processes through files."""

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
FACTORS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """The figures of one service, in a registry of their own.

    Where :data:`DIRECTORY` was set before prometheus_client was imported, :meth:`page` has those of all processes.
    """

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry

        self.registry = CollectorRegistry()
        self._add_streams(self.registry)
        self._add_voices(self.registry)
        self._add_process(self.registry)

    def _add_streams(self, registry: CollectorRegistry) -> None:
        from prometheus_client import Counter, Gauge, Histogram

        counter, histogram = partial(Counter, registry=registry), partial(Histogram, registry=registry)
        gauge = partial(Gauge, registry=registry, multiprocess_mode="livesum")
        voice = ["voice"]
        self.responses = counter("voxstack_http_responses", "Responses to requests.", ["status"])
        self.streams = counter("voxstack_streams", "Streams that have ended.", ["voice", "outcome"])
        self.refused = counter("voxstack_streams_refused", "Streams refused for lack of capacity.", ["reason"])
        self.running = gauge("voxstack_streams_running", "Streams that run now.")
        self.waiting = gauge("voxstack_streams_waiting", "Streams that wait for their first audio.")
        self.audio = counter("voxstack_audio_seconds", "Seconds of audio that were passed on.", voice)
        self.chunks = counter("voxstack_chunks", "Chunks of audio that were passed on.", voice)
        late = "Chunks that came after the audio before them had been played, though they were requested in time."
        self.late = counter("voxstack_late_chunks", late, voice)
        first = "Seconds from the request of a stream to its first audio."
        self.first = histogram("voxstack_first_audio_seconds", first, voice, buckets=SECONDS)
        factor = "Seconds for which a stream waited for audio, per second of that: above 1, playback would halt."
        self.factor = histogram("voxstack_real_time_factor", factor, voice, buckets=FACTORS)

    def _add_voices(self, registry: CollectorRegistry) -> None:
        from prometheus_client import Counter, Gauge

        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        voice = ["voice"]
        self.work = counter("voxstack_work_seconds", "Seconds of work of streams that have ended.", voice)
        worked = "Seconds of audio that this work produced."
        self.work_audio = counter("voxstack_work_audio_seconds", worked, voice)
        load = "Part of the workers' time that the running streams need at real time, as far as measured."
        self.load = gauge("voxstack_load_ratio", load, multiprocess_mode="livemax")
        self.ready = gauge("voxstack_ready", "Processes that are ready.", multiprocess_mode="livesum")
        loaded = "Processes in which a voice is loaded."
        self.loaded = gauge("voxstack_voice_loaded", loaded, voice, multiprocess_mode="livesum")
        size = "Bytes that the networks of a voice take, with those that it shares, by their files."
        self.bytes = gauge("voxstack_voice_bytes", size, voice, multiprocess_mode="livesum")

    def _add_process(self, registry: CollectorRegistry) -> None:
        """Add the figures of the process: its start, time, memory and files; of several, those in :meth:`sample`."""
        from prometheus_client import Gauge, ProcessCollector

        if DIRECTORY not in os.environ:
            ProcessCollector(registry=registry)
            return
        self._process = ProcessCollector(registry=None)
        gauge = partial(Gauge, registry=registry, multiprocess_mode="liveall")
        about = {"process_start_time_seconds": "Start of a process.", "process_resident_memory_bytes": "Its memory."}
        self._copies = {name: gauge(name, text) for name, text in about.items()}

    def sample_process(self) -> None:
        """Take the figures of the process, where several share them through files."""
        if DIRECTORY not in os.environ:
            return
        for sample in (sample for metric in self._process.collect() for sample in metric.samples):
            if sample.name in self._copies:
                self._copies[sample.name].set(sample.value)

    def value(self, name: str, labels: Mapping[str, str] = {}) -> float:
        """Return a figure of this process by the name of its sample; 0 where it has no value yet."""
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
