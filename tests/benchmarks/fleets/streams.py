"""One stream: the chunks that its turns produce, their work, and what its listener receives."""

from __future__ import annotations

import math

from fleets.compiled import compiled
from fleets.state import (
    AHEAD,
    ASKED,
    AUDIO,
    BEGAN,
    BIN,
    BINS,
    C_AHEAD,
    C_CHUNK,
    C_FIRST,
    C_LARGEST,
    C_LOOKAHEAD,
    C_OVERHEAD,
    C_SECOND,
    C_SENTENCE,
    C_SENTENCE_SECOND,
    CARRIED,
    CHUNK,
    CHUNKS,
    CREDIT,
    FIRST,
    GAPS,
    KIND,
    LATE,
    LEAST_TIME,
    LEFT,
    LONG,
    METER,
    RESUMED,
    RUNS_OUT,
    SENTENCE,
    SERVED,
    SIZE,
    TURN,
    VOICE,
    WANTED,
    WORK,
    WORKED,
)  # fmt: skip

STALL, SHARE, GROWTH, EFFICIENT = 0.02, 0.7, 16.0, 2.0
"""As in voxstack: ``playback.LATE``, fields of ``Schedule``, and ``costs.EFFICIENT``."""

NO_AUDIO = 1e-9
"""Seconds, of audio and of work, that rounding may leave."""


@compiled
def record_time(times, seconds):
    """Count a time in a histogram."""
    place = int(math.log(max(seconds, LEAST_TIME) / LEAST_TIME) / BIN)
    times[min(place, BINS - 1)] += 1


@compiled
def chance(s):
    """Return a random number from 0 to 1 (Park and Miller's generator)."""
    s.count[2] = s.count[2] * 48271 % 2147483647
    return s.count[2] / 2147483647.0


@compiled
def next_size(s, r, one, now):
    """Return the seconds of audio of a stream's next chunk, as ``Schedule.sizes`` and ``chunk_slices`` do."""
    costs = s.table[int(one[KIND])]
    wanted, workers = s.number[r, 2], s.numbers[0]
    competitors = max(1.0, s.number[r, 1] / workers) + wanted / workers
    cost = max(s.costs[r, int(one[KIND])], one[METER])
    speed = s.numbers[2] / (cost * competitors)
    started = one[FIRST] >= 0.0
    lead = max(0.0, one[RUNS_OUT] - now) if started else 0.0
    least = EFFICIENT * costs[C_OVERHEAD] if started and wanted > 0 else 0.0
    size = min(max(SHARE * lead * speed, least), costs[C_LARGEST])
    if one[SIZE] > 0.0:
        size = min(size, GROWTH * one[SIZE])
    size = max(size, costs[C_FIRST])
    one[SIZE] = size
    return size if one[SENTENCE] - size > size / 2 else one[SENTENCE]


@compiled
def computed(s, r, one, now):
    """Take the next chunk off what is left, and return its seconds of audio."""
    seconds = next_size(s, r, one, now)
    one[SENTENCE] -= seconds
    one[LEFT] -= seconds
    return seconds


@compiled
def begin_turn(s, r, place, now):
    """Give a stream a slot: decide the chunk that its turn produces, and the work of that."""
    one = s.streams[r, place]
    costs = s.table[int(one[KIND])]
    work, is_new = one[CARRIED], one[FIRST] < 0.0
    one[CARRIED] = 0.0
    if one[AHEAD] <= 0.0:
        if one[SENTENCE] <= NO_AUDIO:
            one[SENTENCE], one[SIZE] = min(one[LONG], one[LEFT]), 0.0
            work += costs[C_SENTENCE] + costs[C_SENTENCE_SECOND] * one[SENTENCE]
        one[CHUNK] = computed(s, r, one, now)
        work += costs[C_CHUNK] + costs[C_SECOND] * one[CHUNK]
    else:
        one[CHUNK], one[AHEAD] = one[AHEAD], 0.0
    if is_new:
        one[CREDIT] = costs[C_SECOND] * min(costs[C_LOOKAHEAD], one[SENTENCE])
        work += one[CREDIT]
    else:
        if one[SENTENCE] > NO_AUDIO and costs[C_AHEAD] > 0.0:
            one[AHEAD] = computed(s, r, one, now)
            work += costs[C_CHUNK] + costs[C_SECOND] * one[AHEAD]
        credit = min(one[CREDIT], 0.9 * work)
        one[CREDIT] -= credit
        work -= credit
    work *= s.noise[int(chance(s) * len(s.noise))]
    one[WORK], one[TURN], one[BEGAN] = max(work, 1e-6), work, now
    s.run[r, s.number[r, 1]] = place
    s.number[r, 1] += 1


@compiled
def leave(s, r, place):
    """Count a stream as ended."""
    one = s.streams[r, place]
    kind = int(one[KIND])
    s.admitted[r, kind] -= 1
    if one[FIRST] < 0.0:
        s.silent[r, kind] -= 1
    elif one[AUDIO] > 0.0:
        s.costs[r, kind] += 0.1 * (one[WORKED] / one[AUDIO] - s.costs[r, kind])
    for slot in range(s.loaded.shape[1]):
        if s.loaded[r, slot] == int(one[VOICE]):
            s.users[r, slot] -= 1
            s.used[r, slot] = s.clock[r]
    s.free[r, s.number[r, 0]] = place
    s.number[r, 0] += 1


@compiled
def record_first_audio(s, r, one, now):
    """Record that a stream has its first audio."""
    kind = int(one[KIND])
    s.silent[r, kind] -= 1
    s.first_costs[r, kind] += 0.1 * (one[TURN] - s.first_costs[r, kind])
    heard = now + s.numbers[5]
    if one[RESUMED] >= 0.0:
        gap = heard - one[RUNS_OUT]
        if gap > STALL:
            s.counters[GAPS] += 1
        record_time(s.times[1], gap)
        one[RUNS_OUT] = max(now, one[RUNS_OUT])
    else:
        record_time(s.times[0], heard - one[ASKED])
        one[RUNS_OUT] = now
    one[FIRST] = now


@compiled
def deliver(s, r, place, now):
    """End a turn: its chunk reaches the listener; return whether there is more to come."""
    one = s.streams[r, place]
    is_new = one[FIRST] < 0.0
    s.turns[r, int(is_new)] += 0.1 * (now - one[BEGAN] - s.turns[r, int(is_new)])
    one[WORKED] += one[TURN]
    one[METER] = 0.0 if is_new else one[TURN] / max(one[CHUNK], NO_AUDIO)
    is_late = False
    if is_new:
        record_first_audio(s, r, one, now)
    else:
        is_late = one[WANTED] < one[RUNS_OUT] < now - STALL
        s.counters[LATE] += now - STALL > one[RUNS_OUT]
        one[RUNS_OUT] = max(one[RUNS_OUT], now)
    s.counters[CHUNKS] += 1
    s.turns[r, 2] += 0.1 * (is_late - s.turns[r, 2])
    if is_late:
        s.turns[r, 3] = now
    one[RUNS_OUT] += one[CHUNK]
    one[AUDIO] += one[CHUNK]
    one[WANTED] = now
    if one[LEFT] <= NO_AUDIO and one[AHEAD] <= 0.0:
        s.counters[SERVED] += 1
        leave(s, r, place)
        return False
    return True
