"""The block ``TrimSilence``, which replaces the silence around each sentence by a set pause."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, RequestError, StreamableBlock, StreamableWrapper, Utterance, windows
from voxstack.streaming.closing import close
from voxstack.streaming.faults import pull
from voxstack.streaming.flow import Flow, utterance_before
from voxstack.streaming.timeline import Event, Timeline
from voxstack.streaming.turn import check_cancelled
from voxstack_dsp.checks import control, sample_chunks

MAX_PAUSE = 100
"""The largest factor on the pause."""


@dataclass
class TrimSilence(StreamableWrapper):
    """Removes the silence at both ends of the samples, (samples,) float32, of its child, and adds a pause after them.

    A sample is silent if its absolute value is at most ``threshold_db``. That is an absolute threshold: one relative to
    the peak would have to wait for the whole stream. Silence within the stream stays as it is, as does a stream's
    silence at the end beyond ``lookahead_ms``; that bounds what is held. A stream of silence alone gives nothing.
    The pause is multiplied by the request's optional control ``pause``.

    Events that the child reports are moved with the sound. One that begins in the removed silence begins where the
    sound does, or ends. One that ends there ends with the sound if the stream ends within ``lookahead_ms`` of its
    beginning; otherwise that end is not known yet, and it keeps its duration.

    :param block: makes the samples. Put the block around what computes one sentence, inside ``Sentences``.
    :param sample_rate: sample rate, Hz.
    :param threshold_db: highest absolute value of silence, dB of full scale; 0 is 1.0.
    :param keep_ms: milliseconds of silence that stay before the first sound and after the last.
    :param pause_ms: milliseconds of silence that are added at the end of a sentence.
    :param phrase_pause_ms: milliseconds that are added instead where a sentence was cut into phrases.
    :param lookahead_ms: milliseconds that are read ahead. A child that has computed everything already loses no time by
        many; for any other child it delays the first audio.
    """

    block: StreamableBlock
    sample_rate: int = field(metadata={"minimum": 1, "maximum": 384_000})
    threshold_db: float = field(default=-60.0, metadata={"minimum": -200, "maximum": 0})
    keep_ms: float = field(default=20.0, metadata={"minimum": 0, "maximum": 10_000})
    pause_ms: float = field(default=0.0, metadata={"minimum": 0, "maximum": 60_000})
    phrase_pause_ms: float = field(default=0.0, metadata={"minimum": 0, "maximum": 60_000})
    lookahead_ms: float = field(default=500.0, metadata={"minimum": 0, "maximum": 3_600_000})

    @property
    def inner(self) -> StreamableBlock:
        return self.block

    @property
    def makes(self) -> str | None:
        return "samples"

    @property
    def lookahead(self) -> int:
        return self.block.lookahead + math.ceil(self._ahead / self.block.hop)

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        pause = self._pause(utterance)
        own = utterance_before([Flow(self._ahead, 1.0, ())], utterance)
        timeline: Timeline | None = utterance.get("timeline")
        events = None if timeline is None else _MovedEvents(timeline)
        if events is not None:
            own = {**own, "timeline": events.reported}
        kept = _Kept(10 ** (self.threshold_db / 20), self._samples(self.keep_ms), self._ahead)
        chunks = pull(self.block, source, own)
        try:
            for samples, _, size, start in windows(sample_chunks(chunks, "TrimSilence"), 0, self._ahead):
                check_cancelled()
                kept.read(samples, start, ended=len(samples) - size < self._ahead)
                if kept.first is None:
                    continue
                if events is not None:
                    events.move(start + size, kept)
                begin, end = max(kept.first - start, 0), min(kept.last - start, size)
                if begin < end:
                    yield samples[begin:end]
        finally:
            close(chunks)
        if events is not None:
            events.move(math.inf, kept)
        if kept.first is not None and pause:
            yield np.zeros(pause, np.float32)

    @property
    def _ahead(self) -> int:
        return max(self._samples(self.lookahead_ms), self._samples(self.keep_ms))

    def _samples(self, milliseconds: float) -> int:
        return round(milliseconds * self.sample_rate / 1000)

    def _pause(self, utterance: Utterance) -> int:
        """Return the samples of the pause after this stream."""
        expected = f"a factor from 0 to {MAX_PAUSE}"
        factor = control(utterance, "pause", 1.0, "TrimSilence", expected)
        if not 0 <= factor <= MAX_PAUSE:
            raise RequestError(f"TrimSilence: pause is {factor:g}, and must be {expected}; 1 changes nothing")
        is_cut = bool(getattr(utterance.get("passage"), "ending", ""))
        return self._samples((self.phrase_pause_ms if is_cut else self.pause_ms) * factor)


class _Kept:
    """The part of a stream that stays: the samples from ``first`` to before ``last``, as far as they are known.

    :param loudest: the highest absolute value of silence.
    :param keep: samples of silence that stay at both ends.
    :param ahead: the most samples of silence that are removed at the end.
    """

    def __init__(self, loudest: float, keep: int, ahead: int) -> None:
        self.first: int | None = None
        self.last = 0
        self.total: int | None = None
        """Samples of the whole stream, once it has ended."""
        self.ahead = ahead
        self._loudest, self._keep = loudest, keep
        self._scanned = self._sound_end = 0

    def read(self, samples: np.ndarray, start: int, ended: bool) -> None:
        """Read a window of the stream, which overlaps with the one before it.

        :param start: index of its first sample.
        :param ended: whether the stream ends with it.
        """
        new = max(0, self._scanned - start)
        loud = np.flatnonzero(np.abs(samples[new:]) > self._loudest)
        self.last = self._scanned = start + len(samples)
        if len(loud):
            if self.first is None:
                self.first = max(0, start + new + int(loud[0]) - self._keep)
            self._sound_end = start + new + int(loud[-1]) + 1
        if ended:
            self.total = self._scanned
            self.last = max(min(self._sound_end + self._keep, self.total), self.total - self.ahead)


class _MovedEvents:
    """Events that a block reports, moved to where their sound is after trimming."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.reported = Timeline(1.0)  # its seconds are samples

    def move(self, until: float, kept: _Kept) -> None:
        """Pass on the events that begin before sample ``until``."""
        for event in self.reported.take(until):
            begin, end = _place(event, kept)
            self._timeline.add(event.kind, event.text, begin, end - begin, event.span)


def _place(event: Event, kept: _Kept) -> tuple[float, float]:
    """Return where an event begins and ends after trimming."""
    if kept.first is None:
        return 0.0, 0.0
    begin, end = event.start, event.start + event.duration
    # Whether the end of the stream is known any earlier depends on how the stream is cut.
    if kept.total is not None and kept.total - event.start <= kept.ahead:
        begin, end = min(begin, kept.last), min(end, kept.last)
    begin = max(begin - kept.first, 0.0)
    return begin, max(end - kept.first, begin)
