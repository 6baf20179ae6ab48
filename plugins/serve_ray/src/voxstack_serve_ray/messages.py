"""Messages between a replica and the process that serves its clients."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from voxstack.streaming.timeline import Events

Address = tuple[str, int]
"""Host and port."""


class Opened(NamedTuple):
    """A stream has its voice.

    :param replica: that runs it, and ``address`` where that takes feeds.
    :param version: of the voice, equal where the audio is.
    :param rate: sample rate in Hz.
    """

    replica: str
    address: Address
    version: str
    rate: int


class Audio(NamedTuple):
    """A chunk of a stream; ``start`` is the index of its first sample in the whole."""

    samples: np.ndarray
    start: int
    events: Events


class Alive(NamedTuple):
    """A stream waits: for its voice, a computation, text, or room.

    :param read: parts of the text that it has received.
    :param limit: in seconds from the start, up to which its audio may go on.
    :param ended: whether it has the whole text.
    """

    read: int = 0
    limit: float = 0.0
    ended: bool = False


class End(NamedTuple):
    """A stream is complete."""


class Failure(NamedTuple):
    """A stream has failed, or was refused, on a replica."""

    replica: str
    error: Exception


class Feed(NamedTuple):
    """The needs of a stream that goes on. It may arrive late, twice or never: the next one repeats what is missing.

    :param limit: in seconds from the start, up to which the audio may go on.
    :param first: index of the first part of text in ``parts``; those that have arrived before are ignored.
    :param ended: whether the text ends with ``parts``.
    :param broken: whether the source of the text has failed after ``parts``.
    """

    limit: float
    first: int = 0
    parts: tuple[str, ...] = ()
    ended: bool = False
    broken: bool = False


class ReplicaState(NamedTuple):
    """The state of a replica, which is the process ``pid`` of its machine.

    :param demand: seconds of work per second that its streams need, and ``workers`` those that it has.
    :param work: seconds of work and of audio of the streams that have ended, by voice.
    :param voices: rows of :class:`VoiceStatus` of the loaded voices.
    """

    replica: str
    pid: int
    demand: float
    workers: int
    work: dict[str, tuple[float, float]]
    voices: tuple[VoiceRow, ...]


class VoiceRow(NamedTuple):
    """The state of a loaded voice, as in ``voxstack_voices.VoiceStatus``."""

    name: str
    version: str
    users: int
    idle: float
    own: int
    shared: int
    problem: str


Message = Opened | Audio | Alive | End | Failure
