"""Costs of voices and speeds of threads, as measured on a machine and stored as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

STORED = Path(__file__).parent.parent / "results" / "fleet.json"


@dataclass(frozen=True)
class VoiceCosts:
    """Seconds of work of a voice, and the lengths of its chunks in seconds of audio.

    :param sentence: of the text and the encoders of each sentence.
    :param sentence_second: the same, for each second of the sentence's audio.
    :param chunk: of every chunk.
    :param second: of a second of audio in a chunk.
    :param lookahead: seconds of audio that the first chunk computes in advance.
    :param first: length of the first chunk.
    :param largest: length of the longest.
    :param load: seconds in which the voice is loaded, and ``load_work`` the part of that which is work.
    :param megabytes: that it takes in memory.
    :param ahead: whether chunks after the first are computed in the turn of the chunk before.
    """

    sentence: float
    chunk: float
    second: float
    first: float
    largest: float
    sentence_second: float = 0.0
    lookahead: float = 0.0
    load: float = 0.0
    load_work: float = 0.0
    megabytes: float = 25.0
    ahead: bool = False

    def row(self) -> list[float]:
        """Return the figures that the compiled model reads, in the order of :mod:`fleets.state`."""
        return [
            self.sentence,
            self.sentence_second,
            self.chunk,
            self.second,
            self.first,
            self.largest,
            self.lookahead,
            min(self.chunk / self.second, 0.3) if self.second else 0.0,
            self.load,
            self.load_work,
            float(self.ahead),
        ]

    def stream(self, audio: float) -> float:
        """Return about the work of a stream of one sentence."""
        chunks = 2 + max(0.0, audio - self.first) / self.largest
        return self.sentence + self.sentence_second * audio + chunks * self.chunk + self.second * audio


@dataclass(frozen=True)
class Replica:
    """A process on its cores, with the scheduler's settings.

    :param workers: threads that the scheduler counts on, one for each core; ``spare`` more may compute.
    :param slowdown: by the number of threads that compute, from 1: the work of one, as a multiple of its work alone.
    :param share: part of the time in which a thread that computes has a core; the others have other programs.
    :param seen_share: the share that the scheduler observes; by default the true one.
    :param noise: multiples of the work of a turn, drawn at random; their mean is 1.
    :param overhead: seconds of a request outside the scheduler: HTTP, routing.
    """

    workers: int = 2
    spare: int = 1
    slowdown: tuple[float, ...] = (1.0,)
    share: float = 1.0
    seen_share: float | None = None
    noise: tuple[float, ...] = (1.0,)
    overhead: float = 0.0
    load: float = 0.9
    patience: float = 2.0
    streams: int = 128

    def rates(self) -> np.ndarray:
        """Return the work per second of each thread, by the number that compute, from 0."""
        slots = self.workers + self.spare
        slow = [self.slowdown[min(k, len(self.slowdown)) - 1] for k in range(1, slots + 1)]
        return np.array([0.0] + [self.share * min(1.0, self.workers / k) / slow[k - 1] for k in range(1, slots + 1)])

    def settings(self) -> tuple[float, ...]:
        """Return the settings of the scheduler, as the compiled model reads them."""
        return self.share if self.seen_share is None else self.seen_share, self.load, self.patience, self.overhead

    def of_cores(self, cores: int) -> Replica:
        """Return a replica with another number of cores."""
        return replace(self, workers=cores)


@dataclass(frozen=True)
class Calibration:
    """What was measured, and on which machine."""

    machine: str
    voices: dict[str, VoiceCosts]
    replica: Replica = field(default_factory=Replica)

    def store(self, path: Path = STORED) -> None:
        """Write the calibration as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")

    @classmethod
    def stored(cls, path: Path = STORED) -> Calibration:
        """Return a calibration that was stored."""
        found = json.loads(path.read_text("utf-8"))
        voices = {name: VoiceCosts(**costs) for name, costs in found["voices"].items()}
        settings = {key: tuple(value) if isinstance(value, list) else value for key, value in found["replica"].items()}
        return cls(found["machine"], voices, Replica(**settings))
