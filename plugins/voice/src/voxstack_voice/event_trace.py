"""Traces of every event of a stream, in the format of Chrome and Perfetto."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack.blocks import children
from voxstack.networks.observing import OBSERVER, Outputs
from voxstack.streaming.tracing import Trace
from voxstack.utterance import Utterance
from voxstack_voice.trace_events import TraceEvent, trace_events

if TYPE_CHECKING:
    from voxstack.blocks import Block, Frames, SequenceBlock

MAX_EVENTS = 1_000_000
"""Events that a trace keeps; an hour of speech has fewer."""


@dataclass
class Attention:
    """The attention of one utterance of a stream, such as a sentence.

    :param phones: one for each token, empty for tokens that have no name; may be empty.
    :param start: of the first step, in seconds of the audio.
    :param seconds_per_step: duration of a step.
    :param weights: (steps, tokens) of each chunk.
    """

    phones: tuple[str, ...]
    start: float
    seconds_per_step: float
    weights: list[np.ndarray] = field(default_factory=list)


class EventTrace(Trace):
    """A trace of one stream that keeps every event: each pull of a block, call of a network and turn of the scheduler.

    ``voice.stream(text, trace=trace)`` fills it, and :meth:`save` writes it for https://ui.perfetto.dev and
    chrome://tracing. It also keeps the ``attention`` that decoders report. Of more than ``MAX_EVENTS`` events, the
    first are kept.
    """

    def __init__(self) -> None:
        super().__init__()
        self.events: list[TraceEvent] = []
        self.attention: list[Attention] = []
        self.dropped = 0
        self._began = time.perf_counter()
        self._threads_seen: dict[int, str] = {}
        self._blocks_seen: set[int] = set()

    def add(self, name: str, category: str, start: float, args: Mapping[str, Any] | None = None) -> None:
        """Add an event that ends now, on the calling thread.

        :param start: by ``time.perf_counter``.
        """
        if len(self.events) >= MAX_EVENTS:
            self.dropped += 1
            return
        thread = threading.get_ident()
        if thread not in self._threads_seen:
            self._threads_seen[thread] = threading.current_thread().name
        seconds = time.perf_counter() - start
        self.events.append(TraceEvent(name, category, start - self._began, seconds, thread, args or {}))

    def add_wait(self, start: float) -> None:
        """Add the time since ``start``, in which the stream waited for a worker."""
        self.add("waits for a worker", "wait", start)

    def mark_first_audio(self) -> None:
        if self._first is None:
            self.add("first audio", "audio", time.perf_counter())
        super().mark_first_audio()

    @contextmanager
    def observing(self) -> Iterator[None]:
        """Record the network calls of the code inside."""
        token = OBSERVER.set(self._observe)
        try:
            yield
        finally:
            OBSERVER.reset(token)

    def call(self, block: SequenceBlock, utterance: Utterance) -> Utterance:
        self._observe_networks(block)
        with self.observing():
            return super().call(block, utterance)

    def chunks(self, block: Block, frames: Frames) -> Iterator[np.ndarray]:
        self._observe_networks(block)
        timed = super().chunks(block, frames)
        while True:
            with self.observing():
                try:
                    chunk = next(timed)
                except StopIteration:
                    return
            yield chunk

    def attend(self, utterance: Utterance, attention: np.ndarray, frames_per_step: int) -> None:
        timeline = utterance.get("timeline")
        if timeline is None:
            return
        start = timeline.seconds(0)
        if not self.attention or self.attention[-1].start != start:
            phones = tuple(utterance.get("phones", ()))
            self.attention.append(Attention(phones, start, timeline.seconds(frames_per_step) - start))
        self.attention[-1].weights.append(np.array(attention, np.float32))

    def as_json(self) -> dict[str, Any]:
        """Return the trace in the Trace Event Format of Chrome, which Perfetto reads: times in microseconds."""
        rows = trace_events(list(self.events), dict(self._threads_seen), os.getpid())
        other = {"dropped events": self.dropped} if self.dropped else {}
        return {"traceEvents": rows, "displayTimeUnit": "ms", "otherData": {"program": "voxstack", **other}}

    def save(self, path: str | Path) -> None:
        """Write the trace as JSON. An older file is replaced only when the new one is complete.

        :raises RequestError: if the file cannot be written.
        """
        from voxstack_voice.audio.complete_file import write_complete_file

        write_complete_file(Path(path), json.dumps(self.as_json()).encode())

    def _observe_networks(self, block: Block) -> None:
        """Let the networks of a block, and of those in it that no trace times, report their calls."""
        if id(block) in self._blocks_seen:
            return
        self._blocks_seen.add(id(block))
        for network in block.networks_opened:
            network.observe_calls()
        for _, inner in children(block, ""):
            self._observe_networks(inner)

    def _observe(self, name: str, run: Callable[..., Outputs], tensors: dict[str, Any]) -> Outputs:
        start, shapes = time.perf_counter(), {key: list(np.shape(value)) for key, value in tensors.items()}
        try:
            return run(**tensors)
        finally:
            self.add(name, "network", start, shapes)

    def _record(self, block: Block, start: float, outer: float, chunk: np.ndarray | None = None) -> None:
        super()._record(block, start, outer, chunk)
        if block.stack_path:
            args: dict[str, Any] = {"path": block.stack_path}
            if isinstance(chunk, np.ndarray):
                args["shape"] = list(chunk.shape)
            self.add(type(block).__name__, "block", start, args)
