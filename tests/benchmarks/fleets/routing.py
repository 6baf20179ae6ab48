"""The router of a fleet: which replica has the next stream."""

from __future__ import annotations

import math

from fleets.compiled import compiled
from fleets.replica import advance, begin_stream, fits, refuse
from fleets.state import ARRIVED, C_LOAD, C_WORK, LOADS
from fleets.streams import chance

POLICIES = (
    "random",
    "round robin",
    "least streams of two",
    "least demand of two",
    "least busy of two",
    "voices first",
    "bounded hashing",
)
RANDOM, ROUND_ROBIN, LEAST_STREAMS, LEAST_DEMAND, LEAST_BUSY, VOICES_FIRST, BOUNDED = range(len(POLICIES))


@compiled
def any_replica(s):
    """Return a replica at random."""
    return s.alive[int(chance(s) * s.count[0])]


@compiled
def streams_now(s, r, now):
    """Return the streams that a replica has now."""
    advance(s, r, now)
    return s.number[r, 1] + s.number[r, 2]


@compiled
def least_streams(s, now):
    """Return the one of two random replicas that has fewer streams (Mitzenmacher, The power of two choices, 2001)."""
    one, other = any_replica(s), any_replica(s)
    return one if streams_now(s, one, now) <= streams_now(s, other, now) else other


@compiled
def least_demand(s):
    """Return the one of two random replicas that reported less, with what the router has sent it since."""
    one, other = any_replica(s), any_replica(s)
    return one if s.seen[one] <= s.seen[other] else other


@compiled
def voices_first(s, voice, now, spill):
    """Return one of two replicas that have the voice; where both have ``spill`` streams a worker, any of two."""
    count = s.home_count[voice]
    if count > 0:
        one, other = s.homes[voice, int(chance(s) * count)], s.homes[voice, int(chance(s) * count)]
        if streams_now(s, other, now) < streams_now(s, one, now):
            one = other
        if streams_now(s, one, now) < spill * s.numbers[0]:
            return one
    return least_streams(s, now)


@compiled
def bounded(s, voice, now, over):
    """Return the first replica, from the voice's place on, with less than ``over`` times the average of streams.

    Consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam, SODA 2018).
    """
    limit = max(1.0, math.ceil(over * s.numbers[9]))
    start = s.ring[voice] % s.count[0]
    for step in range(s.count[0]):
        r = s.alive[(start + step) % s.count[0]]
        if streams_now(s, r, now) < limit:
            return r
    return s.alive[start]


@compiled
def choose(s, voice, now, policy, option):
    """Return the replica for a stream."""
    if policy == ROUND_ROBIN:
        s.count[1] = (s.count[1] + 1) % s.count[0]
        return s.alive[s.count[1]]
    if policy == LEAST_STREAMS:
        return least_streams(s, now)
    if policy in (LEAST_DEMAND, LEAST_BUSY):
        return least_demand(s)
    if policy == VOICES_FIRST:
        return voices_first(s, voice, now, option)
    if policy == BOUNDED:
        return bounded(s, voice, now, option)
    return any_replica(s)


@compiled
def forget_home(s, r, slot):
    """Take a voice off the list of those that a replica has."""
    voice = s.loaded[r, slot]
    s.home_count[voice] -= 1
    last, place = s.homes[voice, s.home_count[voice]], s.position[r, slot]
    s.homes[voice, place] = last
    for other in range(s.loaded.shape[1]):
        if s.loaded[last, other] == voice:
            s.position[last, other] = place
    s.loaded[r, slot] = -1


@compiled
def slot_of(s, r, voice, now):
    """Return the slot in which a replica has a voice, loading it if necessary; -1 if the voices in use fill it."""
    chosen, oldest = -1, math.inf
    for slot in range(s.loaded.shape[1]):
        if s.loaded[r, slot] == voice:
            return slot
        age = -1.0 if s.loaded[r, slot] < 0 else s.used[r, slot]
        if s.users[r, slot] == 0 and age < oldest:
            chosen, oldest = slot, age
    if chosen >= 0:
        if s.loaded[r, chosen] >= 0:
            forget_home(s, r, chosen)
        s.counters[LOADS] += 1
        s.loaded[r, chosen], s.ready[r, chosen] = voice, now + s.table[s.kinds[voice], C_LOAD]
        s.position[r, chosen] = s.home_count[voice]
        s.homes[voice, s.home_count[voice]] = r
        s.home_count[voice] += 1
    return chosen


@compiled
def route(s, arrival, policy, option):
    """Bring a stream to a replica, or refuse it."""
    now, voice = arrival[0], int(arrival[2])
    r = choose(s, voice, now, policy, option)
    advance(s, r, now)
    loads = s.counters[LOADS]
    slot = slot_of(s, r, voice, now)
    if slot < 0:
        refuse(s, arrival, now)
        return
    kind = s.kinds[voice]
    s.used[r, slot] = now
    if not fits(s, r, kind, now):
        refuse(s, arrival, now)
        return
    s.users[r, slot] += 1
    s.seen[r] += s.costs[r, kind] * (1.0 if policy == LEAST_DEMAND else arrival[3])
    ready, load_work = max(now, s.ready[r, slot]), 0.0
    if s.counters[LOADS] > loads:  # its first turn loads the voice, and others wait for that
        load_work = s.table[kind, C_WORK]
        ready -= load_work
    begin_stream(s, r, arrival, ready, now, load_work)


@compiled
def run_window(s, arrivals, until, policy, option):
    """Simulate a fleet until a time, with the streams that arrive before, in order."""
    for index in range(len(arrivals)):
        arrival = arrivals[index]
        if arrival[5] == 0:
            s.counters[ARRIVED] += 1
        route(s, arrival, policy, option)
    for index in range(s.count[0]):
        advance(s, s.alive[index], until)
