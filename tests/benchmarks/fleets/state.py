"""The state of a fleet as arrays, which the compiled loops share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fleets.costs import Replica, VoiceCosts

(
    LEFT, SENTENCE, AHEAD, SIZE, RUNS_OUT, REQUESTED, ASKED, FIRST, WORK, CHUNK, BEGAN, WORKED, AUDIO, METER, STOP,
    WANTED, VOICE, KIND, ATTEMPT, TURN, CREDIT, LONG, READY, RESUMED, CARRIED,
) = range(25)  # fmt: skip
"""Columns of a stream. ``LEFT`` and ``SENTENCE`` are seconds of audio to compute, ``AHEAD`` those computed before."""

(
    C_SENTENCE, C_SENTENCE_SECOND, C_CHUNK, C_SECOND, C_FIRST, C_LARGEST, C_LOOKAHEAD, C_OVERHEAD, C_LOAD, C_WORK,
    C_AHEAD,
) = range(11)  # fmt: skip
"""Columns of the costs of a voice; see :meth:`fleets.costs.VoiceCosts.row`."""

(A_TIME, A_ASKED, A_VOICE, A_AUDIO, A_STOP, A_ATTEMPT, A_SKIP, A_RUNS_OUT) = range(8)
"""Columns of an arrival; ``A_SKIP`` is the audio that a listener of a lost replica has heard of it, or -1."""

(ARRIVED, SERVED, ATTEMPTS_REFUSED, REFUSED, GONE, LATE, CHUNKS, LOADS, RESUMES, GAPS, LOST_RETRIES) = range(11)
"""Counters. ``GONE`` counts listeners that stopped early, ``GAPS`` resumed ones that heard a gap."""

BINS, LEAST_TIME, BIN = 1700, 1e-4, 0.01
"""Histograms of times have bins of 1 %."""


class State(NamedTuple):
    """A fleet. Arrays have a row for each replica unless their comments say more."""

    streams: np.ndarray  # by replica and place: the columns of a stream
    free: np.ndarray  # free places, as a stack
    run: np.ndarray  # places of the streams that compute
    wait: np.ndarray  # places of those that wait
    number: np.ndarray  # columns: free, run, wait
    clock: np.ndarray
    due: np.ndarray  # when the next turn ends
    turns: np.ndarray  # columns: average turn, and of a newcomer; late part, last late
    admitted: np.ndarray  # by replica and kind
    silent: np.ndarray
    costs: np.ndarray  # learnt: seconds of work for a second of audio
    first_costs: np.ndarray
    loaded: np.ndarray  # by replica and slot: voices, or -1
    used: np.ndarray  # by replica and slot: when last
    users: np.ndarray
    ready: np.ndarray  # by replica and slot: when it is loaded
    position: np.ndarray  # by replica and slot: in the list of the voice's homes
    homes: np.ndarray  # by voice: the replicas that have it
    home_count: np.ndarray  # by voice
    kinds: np.ndarray  # by voice
    ring: np.ndarray  # by voice: where its walk begins
    alive: np.ndarray  # replicas that accept streams
    seen: np.ndarray  # demand as reported, and what was routed since
    busy: np.ndarray  # seconds of work done
    count: np.ndarray  # alive, next in turn, random state, retries held
    table: np.ndarray  # by kind: costs
    rates: np.ndarray  # by threads that compute
    noise: np.ndarray
    numbers: (
        np.ndarray
    )  # workers, slots, share, load, patience, overhead, attempts, retry after, sentence, streams on average
    counters: np.ndarray
    times: np.ndarray  # histograms: first audio; gaps of resumed streams
    retries: np.ndarray


def new_state(
    replicas: int,
    replica: Replica,
    voices: Sequence[VoiceCosts],
    kinds: np.ndarray,
    *,
    slots: int = 8,
    attempts: int = 3,
    retry_after: float = 1.0,
    sentence: float = 10.0,
    seed: int = 1,
) -> State:
    """Return an idle fleet whose schedulers know the costs of the voices.

    :param kinds: by voice: its index in ``voices``.
    :param slots: voices that fit into a replica's memory.
    :param attempts: that a client makes in all.
    :param sentence: seconds of the longest sentence; longer texts are cut into equal ones.
    """
    places, many, width = replica.streams, len(kinds), len(voices)
    random = np.random.default_rng([seed, 7])
    table = np.array([voice.row() for voice in voices])
    known = np.array([voice.stream(6.0) / 6.0 for voice in voices])
    firsts = np.array([v.sentence + 6 * v.sentence_second + v.chunk + v.second * v.first for v in voices])
    turns = np.zeros((replicas, 4))
    turns[:, 0], turns[:, 1], turns[:, 3] = known.mean(), firsts.mean(), -math.inf
    number = np.zeros((replicas, 3), np.int64)
    number[:, 0] = places
    concurrent = replica.workers + replica.spare
    return State(
        streams=np.zeros((replicas, places, 25)),
        free=np.tile(np.arange(places, dtype=np.int64), (replicas, 1)),
        run=np.zeros((replicas, concurrent), np.int64),
        wait=np.zeros((replicas, places), np.int64),
        number=number,
        clock=np.zeros(replicas),
        due=np.full(replicas, math.inf),
        turns=turns,
        admitted=np.zeros((replicas, width), np.int64),
        silent=np.zeros((replicas, width), np.int64),
        costs=np.tile(known, (replicas, 1)),
        first_costs=np.tile(firsts, (replicas, 1)),
        loaded=np.full((replicas, slots), -1, np.int64),
        used=np.zeros((replicas, slots)),
        users=np.zeros((replicas, slots), np.int64),
        ready=np.zeros((replicas, slots)),
        position=np.zeros((replicas, slots), np.int64),
        homes=np.zeros((many, replicas), np.int32),
        home_count=np.zeros(many, np.int64),
        kinds=np.asarray(kinds, np.int64),
        ring=random.permutation(max(many, replicas)) % replicas,
        alive=np.arange(replicas, dtype=np.int64),
        seen=np.zeros(replicas),
        busy=np.zeros(replicas),
        count=np.array([replicas, 0, 1 + seed * 7919 % 2147483646, 0], np.int64),
        table=table,
        rates=replica.rates(),
        noise=np.asarray(replica.noise, float),
        numbers=np.array([replica.workers, concurrent, *replica.settings(), attempts, retry_after, sentence, 0.0]),
        counters=np.zeros(11, np.int64),
        times=np.zeros((2, BINS), np.int64),
        retries=np.zeros((200_000, 8)),
    )
