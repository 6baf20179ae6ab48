"""The record of one stream: what of it is counted, logged and traced."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from voxstack import CapacityError, RequestError
from voxstack_serve.logs import log_event
from voxstack_serve.metrics import Metrics
from voxstack_serve.request_info import current_request
from voxstack_serve.spans import StreamSpan, Tracing


class StreamRecord:
    """The figures of a stream, for a listener who plays it from its first audio on.

    :param voice: its id.
    :param clock: returns the time in seconds.
    :param span: of the stream, if it is traced.
    """

    def __init__(
        self,
        metrics: Metrics,
        voice: str,
        clock: Callable[[], float] = time.perf_counter,
        span: StreamSpan | None = None,
    ) -> None:
        self.voice, self.outcome, self.reason = voice, "cancelled", ""
        self._request = current_request()
        self._request.streams += 1
        self.characters = self.late = 0
        self.audio = 0.0
        self.first: float | None = None
        """Seconds to the first audio, once there is some."""
        self._metrics, self._clock, self._span = metrics, clock, span
        self._began = self._wanted = clock()
        self._waited = 0.0
        self._whole = True
        self._runs_out = math.inf
        """When the listener has played all audio."""

    def want(self) -> None:
        """Record that the next chunk is requested."""
        self._wanted = self._clock()

    def receive(self, seconds: float) -> None:
        """Record a chunk, with the seconds of its audio."""
        if not seconds:
            return
        now = self._clock()
        self._waited += now - self._wanted
        if self.first is None:
            self.first, self._runs_out = now - self._began, now
            self._metrics.waiting.dec()
            self._metrics.first.labels(self.voice).observe(self.first)
            if self._span is not None:
                self._span.add_first_audio()
        elif self._wanted < self._runs_out < now:
            self.late += 1
            self._metrics.late.labels(self.voice).inc()
        self._runs_out = max(self._runs_out, now) + seconds
        self.audio += seconds
        self._metrics.audio.labels(self.voice).inc(seconds)
        self._metrics.chunks.labels(self.voice).inc()

    async def read(self, parts: AsyncIterable[str]) -> AsyncIterator[str]:
        """Yield the parts of a text: audio cannot come before them."""
        self._whole = False
        async for part in parts:
            self.characters += len(part)
            self.want()
            yield part

    def end(self) -> None:
        """Count the stream as ended."""
        if self.first is None:
            self._metrics.waiting.dec()
        elif self._whole and self.outcome == "complete":
            self._metrics.factor.labels(self.voice).observe(self._waited / self.audio)
        self._metrics.running.dec()
        facts = self._facts()
        log_event("stream", request=self._request.id, **facts)
        if self._span is not None:
            self._span.end(**facts)
        self._metrics.streams.labels(self.voice, self.outcome).inc()

    def _facts(self) -> dict[str, Any]:
        return {
            "protocol": self._request.protocol,
            "voice": self.voice,
            "format": self._request.format,
            "characters": self.characters,
            "audio_seconds": round(self.audio, 3),
            "first_audio_ms": None if self.first is None else round(1000 * self.first, 1),
            "seconds": round(self._clock() - self._began, 3),
            "late_chunks": self.late,
            "outcome": self.outcome,
            "reason": self.reason,
        }


@contextmanager
def recorded(metrics: Metrics, tracing: Tracing, voice: str) -> Iterator[StreamRecord]:
    """Provide the record of a stream, which ends with the block inside, however that ends."""
    record = StreamRecord(metrics, voice, span=tracing.stream())
    metrics.running.inc()
    metrics.waiting.inc()
    try:
        yield record
        record.outcome = "complete"
    except CapacityError as error:
        record.outcome, record.reason = "refused", error.reason
        metrics.refused.labels(error.reason).inc()
        raise
    except Exception as error:
        record.outcome = "invalid" if isinstance(error, RequestError) else "failed"
        record.reason = type(error).__name__
        raise
    finally:
        record.end()
