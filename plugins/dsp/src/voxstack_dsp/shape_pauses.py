"""The block ``ShapePauses``, which shortens or lengthens the pauses inside speech."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, StreamableBlock, StreamableWrapper, Utterance, windows
from voxstack.streaming.closing import close
from voxstack.streaming.faults import pull
from voxstack.streaming.flow import Flow, utterance_before
from voxstack.streaming.timeline import Timeline
from voxstack.streaming.turn import check_cancelled
from voxstack_dsp.checks import sample_chunks


@dataclass
class ShapePauses(StreamableWrapper):
    """Scales and limits the pauses in the samples, (samples,) float32, of its child; sounds pass bit for bit.

    A pause is a run of samples whose absolute values are at most ``threshold_db``, longer than ``shortest_ms``. Half of
    that stays as it is at either end of it; what is between is multiplied by ``factor``, by leaving out or repeating
    samples, which are silent, and cut so that the pause is not longer than ``longest_ms``. Silence at the ends of the
    stream counts as a pause; ``TrimSilence`` removes it.

    Events that the child reports are moved with the sound. The end of an event that lasts longer than ``lookahead_ms``
    is not known when it begins: pauses count up to there, and the rest keeps its duration.

    :param block: makes the samples.
    :param sample_rate: sample rate, Hz.
    :param factor: on the part of a pause beyond ``shortest_ms``: 0 removes it, 2 doubles it.
    :param longest_ms: milliseconds of the longest pause, if there is a limit; one below ``shortest_ms`` counts as that.
    :param shortest_ms: milliseconds of silence up to which it is no pause, but part of a word.
    :param threshold_db: highest absolute value of silence, dB of full scale; 0 is 1.0.
    :param lookahead_ms: milliseconds that are read ahead to move the ends of events.
    """

    block: StreamableBlock
    sample_rate: int = field(metadata={"minimum": 1, "maximum": 384_000})
    factor: float = field(default=1.0, metadata={"minimum": 0, "maximum": 100})
    longest_ms: float | None = field(default=None, metadata={"minimum": 0, "maximum": 60_000})
    shortest_ms: float = field(default=150.0, metadata={"minimum": 0, "maximum": 60_000})
    threshold_db: float = field(default=-50.0, metadata={"minimum": -200, "maximum": 0})
    lookahead_ms: float = field(default=500.0, metadata={"minimum": 0, "maximum": 60_000})

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
        own = utterance_before([Flow(self._ahead, 1.0, ())], utterance)
        timeline: Timeline | None = utterance.get("timeline")
        reported = Timeline(1.0)  # its seconds are samples
        if timeline is not None:
            own = {**own, "timeline": reported}
        lengths = _Lengths(self._kept, self.factor, self._limit, 10 ** (self.threshold_db / 20))
        scanned, total = 0, 0
        chunks = pull(self.block, source, own)
        try:
            for samples, _, size, start in windows(sample_chunks(chunks, "ShapePauses"), 0, self._ahead):
                check_cancelled()
                lengths.read(samples[scanned - start :], ended=len(samples) - size < self._ahead)
                scanned, total = start + len(samples), start + size
                if timeline is not None:
                    self._move(reported, timeline, lengths, total)
                made = np.repeat(samples[:size], lengths.take(total))
                if len(made):
                    yield made
        finally:
            close(chunks)
        if timeline is not None:
            self._move(reported, timeline, lengths, math.inf)

    @property
    def _kept(self) -> int:
        """Samples of silence that stay at either end of a pause."""
        return max(1, round(self.shortest_ms * self.sample_rate / 2000))

    @property
    def _limit(self) -> float:
        """Most samples of a pause between those at its ends."""
        if self.longest_ms is None:
            return math.inf
        return max(0, round(self.longest_ms * self.sample_rate / 1000) - 2 * self._kept)

    @property
    def _known(self) -> int:
        """Samples after the beginning of an event in which pauses are known."""
        return round(self.lookahead_ms * self.sample_rate / 1000)

    @property
    def _ahead(self) -> int:
        return self._known + self._kept

    def _move(self, reported: Timeline, timeline: Timeline, lengths: _Lengths, until: float) -> None:
        """Pass on the events that begin before sample ``until``, at their new places."""
        for event in reported.take(until):
            begin = lengths.place(event.start)
            end = lengths.place(event.start + min(event.duration, self._known))
            rest = max(0.0, event.duration - self._known)
            timeline.add(event.kind, event.text, begin, end - begin + rest, event.span)


class _Lengths:
    """The number of repetitions of each sample of a stream, as far as they are known.

    :param kept: samples of silence that stay at either end of a pause.
    :param factor: on the samples between them.
    :param limit: most samples that become of these.
    :param loudest: the highest absolute value of silence.
    """

    def __init__(self, kept: int, factor: float, limit: float, loudest: float) -> None:
        self._kept, self._factor, self._limit, self._loudest = kept, factor, limit, loudest
        self._silent = np.zeros(0, bool)  # of the samples that are read, but whose lengths are not known
        self._run = 0  # silent samples directly before those
        self._first = self._made = 0  # the first sample in ``_counts``, and the samples of the output before it
        self._counts = np.zeros(0, np.int64)

    def read(self, samples: np.ndarray, ended: bool) -> None:
        """Read the next samples; the lengths of all but the last ``kept`` become known.

        :param ended: whether the stream ends with them.
        """
        self._silent = np.concatenate([self._silent, np.abs(samples) <= self._loudest])
        count = len(self._silent) - (0 if ended else self._kept)
        if count <= 0:
            return
        numbers, loud = np.arange(count), np.flatnonzero(~self._silent)
        before = np.searchsorted(loud, numbers, "right")
        last = np.concatenate([[-self._run - 1], loud])[before]
        following = np.concatenate([loud, [len(self._silent)]])[before]
        inner = numbers - last - 1 - self._kept  # of a pause, behind its beginning
        middle = (inner >= 0) & (following - numbers > self._kept)
        counts = np.where(middle, self._due(inner + 1) - self._due(inner), 1)
        self._counts = np.concatenate([self._counts, counts])
        self._run = int(count - 1 - last[-1])
        self._silent = self._silent[count:]

    def take(self, until: int) -> np.ndarray:
        """Return how often the next samples, to before ``until``, are repeated, and forget them."""
        counts, self._counts = np.split(self._counts, [until - self._first])
        self._first, self._made = until, self._made + int(counts.sum())
        return counts

    def place(self, position: float) -> float:
        """Return the sample of the output where a sample that is not yet taken begins, or one after the stream."""
        if position < self._first:  # reported late
            return float(self._made)
        whole = min(int(position) - self._first, len(self._counts))
        share = position - self._first - whole
        scale = float(self._counts[whole]) if whole < len(self._counts) else 1.0
        return float(self._made + self._counts[:whole].sum() + share * scale)

    def _due(self, samples: np.ndarray) -> np.ndarray:
        """Return the samples of the output for the first ``samples`` between the ends of a pause."""
        scaled: np.ndarray = np.minimum(np.floor(np.maximum(samples, 0) * self._factor), self._limit)
        return scaled.astype(np.int64)
