"""Figures of a service in Prometheus' text format, version 0.0.4."""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Iterator, Sequence

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

Labels = tuple[str, ...]


class Metric:
    """A figure for each combination of labels. It is changed by the thread of the event loop alone."""

    kind = "counter"

    def __init__(self, name: str, description: str, labels: Sequence[str] = ()) -> None:
        self.name, self.description, self.labels = name, description, tuple(labels)
        self.values: defaultdict[Labels, float] = defaultdict(float)

    def add(self, *labels: str, amount: float = 1.0) -> None:
        """Add an amount."""
        self.values[labels] += amount

    def lines(self) -> Iterator[str]:
        """Yield the lines of this metric."""
        yield f"# HELP {self.name} {self.description}"
        yield f"# TYPE {self.name} {self.kind}"
        for labels in sorted(self.values):
            yield from self.samples(labels)

    def samples(self, labels: Labels) -> Iterator[str]:
        """Yield the lines for one combination of labels."""
        yield f"{self.name}{_braces(self.labels, labels)} {self.values[labels]:.9g}"


class Gauge(Metric):
    """A figure that also falls."""

    kind = "gauge"


class Histogram(Metric):
    """Counts of durations, up to each of :data:`SECONDS`; ``values`` are their sums."""

    kind = "histogram"

    def __init__(self, name: str, description: str, labels: Sequence[str] = ()) -> None:
        super().__init__(name, description, labels)
        self.counts: defaultdict[Labels, list[int]] = defaultdict(lambda: [0] * (len(SECONDS) + 1))

    def observe(self, *labels: str, seconds: float) -> None:
        """Count a duration."""
        self.add(*labels, amount=seconds)
        self.counts[labels][bisect.bisect_left(SECONDS, seconds)] += 1

    def samples(self, labels: Labels) -> Iterator[str]:
        names, total = (*self.labels, "le"), 0
        for bound, count in zip((*SECONDS, "+Inf"), self.counts[labels], strict=True):
            total += count
            yield f"{self.name}_bucket{_braces(names, (*labels, str(bound)))} {total}"
        yield f"{self.name}_sum{_braces(self.labels, labels)} {self.values[labels]:.9g}"
        yield f"{self.name}_count{_braces(self.labels, labels)} {total}"


class Metrics:
    """The figures of one service."""

    def __init__(self) -> None:
        self.responses = Metric("voxstack_http_responses_total", "Responses to requests.", ("status",))
        self.streams = Metric("voxstack_streams_total", "Streams that have ended.", ("voice", "outcome"))
        self.running = Gauge("voxstack_streams_running", "Streams that run now.")
        self.running.values[()] = 0.0
        self.audio = Metric("voxstack_audio_seconds_total", "Seconds of audio that were passed on.", ("voice",))
        self.first = Histogram(
            "voxstack_first_audio_seconds", "Seconds from the request of a stream to its first audio.", ("voice",)
        )

    def text(self) -> str:
        """Return all figures."""
        metrics = (self.responses, self.streams, self.running, self.audio, self.first)
        return "".join(f"{line}\n" for metric in metrics for line in metric.lines())


def _braces(names: Sequence[str], values: Sequence[str]) -> str:
    rows = [f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)]
    return f"{{{','.join(rows)}}}" if rows else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
