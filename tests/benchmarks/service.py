"""A voice under the load of a service: throughput, random arrivals, and more requests than fit.

``python tests/benchmarks/service.py [--voice amber] [--rounds 3]``. Three cases, the rows of each in turn:

* **throughput**: 16 and 64 streams at once, against as many threads that each synthesize the whole at once.
* **arrivals**: streams that begin at random (Poisson) for 30 s, at a part of the throughput that was measured first.
* **overload**: other programs keep every core busy, and 16 streams begin at once: which are refused, how soon, and
  which of the others stall.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from concurrency import Listener, poisson
from measure import machine
from texts import NINE

import voxstack
from voxstack import CapacityError, Schedule, Scheduler
from voxstack.streaming.turn import available_cores

STALLS = (0.02, 0.1)
WHOLE = Schedule(first=10**6, largest=10**6)


def listen(voice: voxstack.Voice, schedule: Schedule | None = None) -> Listener:
    """Read a stream as fast as it comes."""
    listener = Listener(voice.sample_rate)
    try:
        for chunk in voice.stream(NINE, schedule=schedule):
            listener.receive(len(chunk.samples))
    except CapacityError:
        listener.refuse()
    return listener


def at_once(voice: voxstack.Voice, count: int, schedule: Schedule | None = None) -> tuple[list[Listener], float]:
    """Run streams that begin at once; return their listeners, and the seconds until all had ended."""
    start = threading.Barrier(count + 1)
    listeners: list[Listener] = []

    def run() -> None:
        start.wait()
        listeners.append(listen(voice, schedule))

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return listeners, time.perf_counter() - began


def throughput(voice: str, count: int, rounds: int) -> tuple[float, float]:
    """Return the seconds of audio a second of streams, and their ratio to that of whole calls in as many threads."""
    streaming = voxstack.load(voice, scheduler=Scheduler(load=None, patience=None))
    whole = voxstack.load(voice, scheduler=Scheduler(workers=count, load=None, patience=None))
    found: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        pair = []
        for loaded, schedule in ((streaming, None), (whole, WHOLE)):
            heard, seconds = at_once(loaded, count, schedule)
            pair.append(sum(one.audio for one in heard) / seconds)
        if number:  # the first warms up
            found.append((pair[0], pair[0] / pair[1]))
    return statistics.median(speed for speed, _ in found), statistics.median(ratio for _, ratio in found)


def arrivals(voice: str, speed: float, seconds: float) -> list[Listener]:
    """Run streams that begin at random, so many that they need ``speed`` seconds of audio a second."""
    loaded = voxstack.load(voice)
    length = statistics.mean(listen(loaded).audio for _ in range(3))
    listeners: list[Listener] = []
    threads, began = [], time.perf_counter()
    for due in poisson(speed / length, seconds):
        time.sleep(max(0.0, began + due - time.perf_counter()))
        threads.append(threading.Thread(target=lambda: listeners.append(listen(loaded))))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return listeners


@contextmanager
def busy(programs: int) -> Iterator[None]:
    """Return a context manager in which other programs compute."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(programs)]
    try:
        time.sleep(0.5)
        yield
    finally:
        for program in running:
            program.kill()
            program.wait()


def overload(voice: str, count: int, programs: int) -> tuple[list[Listener], float]:
    """Run streams that begin at once on a busy machine; return their listeners, and the streams that would fit."""
    loaded = voxstack.load(voice)
    with busy(programs):
        for _ in range(2):
            listen(loaded)
        found, _ = at_once(loaded, count)
        fit, seconds = at_once(voxstack.load(voice, scheduler=Scheduler(load=None, patience=None)), 4)
    return found, sum(one.audio for one in fit) / seconds


def row(*cells: object) -> None:
    """Print a row of a table."""
    print(f"| {' | '.join(map(str, cells))} |")


def head(*cells: str) -> None:
    """Print the head of a table."""
    print()
    row(*cells)
    row(*["---"] * len(cells))


def stalls(found: Sequence[Listener]) -> list[str]:
    """Return the cells that say how many of the streams that were not refused stalled, and for how long."""
    heard = [one for one in found if one.refused is None]
    cells = [f"{sum(one.longest > limit for one in heard)} of {len(heard)}" for limit in STALLS]
    return [*cells, f"{1000 * max((one.longest for one in heard), default=0.0):.0f} ms"]


def main() -> None:
    """Measure all cases and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voice", default="amber")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30.0, help="for which streams begin at random")
    parser.add_argument("--load", type=float, default=0.8, help="part of the throughput that they need")
    options = parser.parse_args()
    print(f"{machine()}; {options.voice}")
    head("streams at once", "audio a second", "÷ whole calls in as many threads")
    speed = 0.0
    for count in (16, 64):
        found, ratio = throughput(options.voice, count, options.rounds)
        speed = speed or found
        row(count, f"{found:.0f} s", f"{ratio:.2f}")
    head(
        "arrivals at random",
        "streams",
        "late chunks",
        "stalled over 20 ms",
        "over 100 ms",
        "longest",
        "refused",
        "first audio",
    )
    for load in (0.5, options.load):
        found_now = arrivals(options.voice, load * speed, options.seconds)
        firsts = [1000 * one.first for one in found_now if one.first is not None]
        late = f"{sum(one.late for one in found_now)} of {sum(one.chunks for one in found_now)}"
        refused = sum(one.refused is not None for one in found_now)
        first = f"{statistics.median(firsts):.0f} ms, at most {max(firsts):.0f}"
        row(f"{load:.0%} of {speed:.0f} s a second", len(found_now), late, *stalls(found_now), refused, first)
    head("overload: 16 at once", "fit", "stalled over 20 ms", "over 100 ms", "longest", "refused", "after at most")
    for programs in (available_cores(), 2 * available_cores()):
        heard, fit = overload(options.voice, 16, programs)
        refusals = [one.refused for one in heard if one.refused is not None]
        after = f"{1000 * max(refusals, default=0.0):.0f} ms"
        row(f"beside {programs} busy programs", f"{fit:.1f}", *stalls(heard), len(refusals), after)


if __name__ == "__main__":
    main()
