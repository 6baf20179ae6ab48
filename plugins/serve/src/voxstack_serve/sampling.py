"""Figures that are taken now and then from what counts them: the voices, their scheduler, and the process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from voxstack_serve.backend import ServedVoices
from voxstack_serve.metrics import Metrics

if TYPE_CHECKING:
    from prometheus_client import Counter


class Sampler:
    """Copies what others count into the figures of a service.

    :param voices: those that are loaded, and whose streams work.
    """

    def __init__(self, metrics: Metrics, voices: ServedVoices) -> None:
        self._metrics, self._voices = metrics, voices
        self._named: set[str] = set()
        self._counted: dict[tuple[Counter, str], float] = {}

    def sample(self, ids: Mapping[str, str]) -> None:
        """Take the figures as they are now.

        :param ids: of voices, by what they are opened from.
        """
        scheduler = self._voices.scheduler
        self._metrics.load.set(scheduler.demand() / scheduler.workers)
        for voice, work in scheduler.work().items():
            self._raise(self._metrics.work, voice, work.seconds)
            self._raise(self._metrics.work_audio, voice, work.audio)
        sizes: dict[str, int] = {}
        for row in self._voices.status():  # one for each context
            voice = ids.get(row.name, row.name)
            sizes[voice] = sizes.get(voice, 0) + row.own + row.shared
        self._named |= sizes.keys()
        for voice in self._named:
            self._metrics.loaded.labels(voice).set(voice in sizes)
            self._metrics.bytes.labels(voice).set(sizes.get(voice, 0))
        self._metrics.sample_process()

    def _raise(self, counter: Counter, voice: str, value: float) -> None:
        """Raise a counter to a value that others count."""
        counter.labels(voice).inc(max(0.0, value - self._counted.get((counter, voice), 0.0)))
        self._counted[counter, voice] = value
