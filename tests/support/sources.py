"""Heads of streams for tests."""

from __future__ import annotations

from dataclasses import dataclass

from voxstack import Schedule, StreamableBlock


@dataclass
class Whole(StreamableBlock):
    """Streams ``samples``, and reports ``reported``, (kind, text, start, steps) each, when it begins."""

    head = True
    needs = frozenset({"samples"})
    makes = "samples"

    def stream(self, source, utterance):
        timeline, samples = utterance.get("timeline"), utterance["samples"]
        if timeline is not None:
            for event in utterance.get("reported", ()):
                timeline.add(*event)
        start = 0
        for size in utterance.get("schedule", Schedule()).sizes():
            if start >= len(samples):
                return
            yield samples[start : start + size]
            start += size
