"""One replica: the scheduler of voxstack-voice as it admits streams, picks turns and sizes chunks, on its cores.

Modelled: slots with a spare one, threads that share the cores, the earliest deadline first with newcomers where they
make no other stream late, chunks that grow with the lead of playback, one chunk read ahead, costs that are learnt,
admission by load, by late chunks and by patience. Listeners take audio as fast as it comes.
"""

from __future__ import annotations

import math

import numpy as np

from fleets.compiled import compiled
from fleets.state import (
    ASKED,
    ATTEMPT,
    ATTEMPTS_REFUSED,
    C_SECOND,
    CARRIED,
    FIRST,
    GONE,
    KIND,
    LEFT,
    LONG,
    LOST_RETRIES,
    READY,
    REFUSED,
    REQUESTED,
    RESUMED,
    RUNS_OUT,
    STOP,
    VOICE,
    WANTED,
    WORK,
)  # fmt: skip
from fleets.streams import NO_AUDIO, begin_turn, chance, deliver, leave

UNSTEADY, MAX_LATE, LATE_MEMORY = 0.85, 0.15, 1.0
"""As in ``voxstack_voice.scheduler``."""


@compiled
def refuse(s, arrival, now):
    """Count a refusal: the client tries again later, or gives up."""
    s.counters[ATTEMPTS_REFUSED] += 1
    attempt = arrival[5] + 1
    if attempt >= s.numbers[6]:
        s.counters[REFUSED] += 1
    elif s.count[3] == len(s.retries):
        s.counters[REFUSED] += 1
        s.counters[LOST_RETRIES] += 1
    else:
        s.retries[s.count[3]] = arrival
        s.retries[s.count[3], 0] = now + s.numbers[7] * (1.0 + 0.25 * chance(s))
        s.retries[s.count[3], 5] = attempt
        s.count[3] += 1


@compiled
def refuse_stream(s, r, place, now):
    """Refuse a stream that has waited for too long."""
    one = s.streams[r, place]
    arrival = np.zeros(8)
    arrival[1], arrival[2], arrival[3] = one[ASKED], one[VOICE], one[LEFT]
    arrival[4], arrival[5], arrival[6], arrival[7] = one[STOP], one[ATTEMPT], one[RESUMED], one[RUNS_OUT]
    refuse(s, arrival, now)
    leave(s, r, place)


@compiled
def pick(s, r, now):
    """Return the index in the list of those that wait of the stream whose turn is next; -1 if none can have one."""
    playing, newcomer, ready, soonest, eldest = -1, -1, 0, math.inf, math.inf
    for index in range(s.number[r, 2]):
        one = s.streams[r, s.wait[r, index]]
        if one[FIRST] >= 0.0:
            ready += 1
            if one[RUNS_OUT] < soonest:
                playing, soonest = index, one[RUNS_OUT]
        elif one[READY] <= now and one[REQUESTED] < eldest:
            newcomer, eldest = index, one[REQUESTED]
    guard = s.turns[r, 1] + s.turns[r, 0] * (1.0 + ready / s.numbers[0])
    return playing if playing >= 0 and (newcomer < 0 or soonest - now < guard) else newcomer


@compiled
def dispatch(s, r, now):
    """Fill the free slots with streams that wait; those whose listeners have gone or that waited too long end."""
    while s.number[r, 1] < s.numbers[1] and s.number[r, 2] > 0:
        index = pick(s, r, now)
        if index < 0:
            break
        place = s.wait[r, index]
        s.number[r, 2] -= 1
        s.wait[r, index] = s.wait[r, s.number[r, 2]]
        one = s.streams[r, place]
        if one[FIRST] >= 0.0 and now - one[FIRST] > one[STOP]:
            s.counters[GONE] += 1
            leave(s, r, place)
        elif one[FIRST] < 0.0 and now - one[REQUESTED] > s.numbers[4]:
            refuse_stream(s, r, place, one[REQUESTED] + s.numbers[4])
        else:
            begin_turn(s, r, place, now)


@compiled
def wait(s, r, place):
    """Let a stream wait for its turn."""
    s.wait[r, s.number[r, 2]] = place
    s.number[r, 2] += 1


@compiled
def plan(s, r):
    """Set when something happens next on a replica: a turn ends, or a voice is loaded while a slot is free."""
    due, rate = math.inf, s.rates[s.number[r, 1]]
    for index in range(s.number[r, 1]):
        due = min(due, s.clock[r] + s.streams[r, s.run[r, index], WORK] / rate)
    if s.number[r, 1] < s.numbers[1]:
        for index in range(s.number[r, 2]):
            due = min(due, max(s.clock[r], s.streams[r, s.wait[r, index], READY]))
    s.due[r] = due


@compiled
def pass_time(s, r, now):
    """Let the threads of a replica work until a time at which or before which nothing happens."""
    work = (now - s.clock[r]) * s.rates[s.number[r, 1]]
    for index in range(s.number[r, 1]):
        s.streams[r, s.run[r, index], WORK] -= work
    s.busy[r] += (now - s.clock[r]) * min(s.number[r, 1], s.numbers[0])
    s.clock[r] = now


@compiled
def advance(s, r, until):
    """Simulate a replica until a time."""
    while s.due[r] <= until:
        now = s.due[r]
        pass_time(s, r, now)
        place, index = -1, 0
        while place < 0 and index < s.number[r, 1]:
            if s.streams[r, s.run[r, index], WORK] <= NO_AUDIO:
                place = s.run[r, index]
                s.number[r, 1] -= 1
                s.run[r, index] = s.run[r, s.number[r, 1]]
            index += 1
        goes_on = place >= 0 and deliver(s, r, place, now)
        dispatch(s, r, now)  # the slot is passed on before the listener requests the next chunk
        if goes_on:
            wait(s, r, place)
            dispatch(s, r, now)
        plan(s, r)
    pass_time(s, r, until)


@compiled
def fits(s, r, kind, now):
    """Return whether the scheduler admits one more stream."""
    if s.number[r, 0] == 0:
        return False
    workers, share, streams, demand, wait = s.numbers[0], s.numbers[2], 0, s.costs[r, kind], s.first_costs[r, kind]
    for other in range(s.admitted.shape[1]):
        streams += s.admitted[r, other]
        demand += s.admitted[r, other] * s.costs[r, other]
        wait += s.silent[r, other] * s.first_costs[r, other]
    left = UNSTEADY * share if share < 0.95 else share
    late = s.turns[r, 2] > MAX_LATE and now - s.turns[r, 3] < LATE_MEMORY
    full = demand > s.numbers[3] * workers * left or wait / (workers * share) > s.numbers[4] or late
    return streams == 0 or not full


@compiled
def begin_stream(s, r, arrival, ready, now, load_work):
    """Admit a stream on a replica that was advanced to now, and that has its voice at ``ready``."""
    s.number[r, 0] -= 1
    place = s.free[r, s.number[r, 0]]
    one = s.streams[r, place]
    one[:] = 0.0
    kind, audio = s.kinds[int(arrival[2])], arrival[3]
    one[LEFT], one[VOICE], one[KIND], one[ASKED], one[STOP] = audio, arrival[2], kind, arrival[1], arrival[4]
    one[ATTEMPT], one[RESUMED], one[RUNS_OUT] = arrival[5], arrival[6], arrival[7]
    one[REQUESTED], one[READY], one[FIRST], one[WANTED], one[CARRIED] = ready, ready, -1.0, now, load_work
    one[CARRIED] += max(0.0, arrival[6]) * s.table[kind, C_SECOND]  # heard before: computed again, and skipped
    one[LONG] = audio / math.ceil(audio / s.numbers[8])
    s.admitted[r, kind] += 1
    s.silent[r, kind] += 1
    wait(s, r, place)
    dispatch(s, r, now)
    plan(s, r)
