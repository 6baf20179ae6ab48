"""Bursts of streams: which stall, simulated with the costs that are measured first, and for real.

``python tests/benchmarks/bursts.py [--voice amber] [--streams 64] [--trace burst.png]``. The simulation knows two
policies: the earliest deadline first, as the scheduler had it before, and the scheduler's own, in which streams that
play are not made late by new ones.
"""

from __future__ import annotations

import argparse
import heapq
import json
import statistics
import threading
import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from measure import machine

import voxstack
from voxstack import Schedule, Scheduler
from voxstack.streaming.turn import available_cores
from voxstack_voice.costs import EFFICIENT

TEXT = "The committee had been informed that the minister would record the old story, and nobody knew what they found."
PATIENCE, STALL = 0.05, 0.02


class Costs(NamedTuple):
    """Seconds of work: of the first chunk besides its audio, of every chunk, and of a second of audio."""

    beginning: float
    chunk: float
    audio: float

    def work(self, seconds: float) -> float:
        """Return the work of a chunk."""
        return self.chunk + self.audio * seconds


@dataclass
class Stream:
    """A stream with a listener: when its audio runs out, and what it had.

    :param left: seconds of audio to come.
    """

    left: float
    began: float = 0.0
    runs_out: float = PATIENCE
    size: float = 0.0
    first: float | None = None
    late: float = 0.0
    chunks: list[tuple[float, float]] = field(default_factory=list)
    """When each chunk came, and its seconds of audio."""

    def receive(self, now: float, seconds: float) -> None:
        """Add a chunk."""
        if self.first is None:
            self.first, self.runs_out = now - self.began, now
        elif now > self.runs_out:
            self.late, self.runs_out = max(self.late, now - self.runs_out), now
        self.runs_out += seconds
        self.chunks.append((now, seconds))


def measured_costs(voice: voxstack.Voice) -> tuple[Costs, float]:
    """Return what chunks of a voice cost, alone, and the seconds of audio of the text."""
    points = []
    for frames in (24, 48, 96) * 4:
        stream = voice.stream(TEXT, schedule=Schedule(first=frames, growth=1.0001, largest=frames))
        clock, length = time.thread_time(), 0.0
        for number, chunk in enumerate(stream):
            now, seconds = time.thread_time(), len(chunk.samples) / voice.sample_rate
            points.append((number == 0, seconds, now - clock))
            clock, length = now, length + seconds
    later = [(seconds, work) for is_first, seconds, work in points[len(points) // 4 :] if not is_first]
    slope, base = statistics.linear_regression(*zip(*later, strict=True))
    base = max(base, 0.0)
    beginning = statistics.median(work - base - slope * seconds for is_first, seconds, work in points if is_first)
    return Costs(max(beginning, 0.0), base, slope), length


def simulate(
    count: int, length: float, costs: Costs, protect: bool, first: float = 0.3, share: float = 0.7
) -> list[Stream]:
    """Run streams that begin at once.

    :param protect: whether streams that play are protected from new ones, and chunks are worth their work.
    """
    first, share = 0.3, Schedule().share
    workers, now, events = available_cores(), 0.0, []
    streams = [Stream(length) for _ in range(count)]
    waiting = list(range(count))

    def pick() -> int:
        playing = [n for n in waiting if streams[n].first is not None]
        new = [n for n in waiting if streams[n].first is None]
        due = min(playing or new, key=lambda n: streams[n].runs_out)
        if not protect:
            return min(waiting, key=lambda n: streams[n].runs_out)
        turn = costs.work(streams[due].size or first)
        guard = costs.beginning + costs.work(first) + turn * (1 + len(playing) / workers)
        return due if playing and (not new or streams[due].runs_out - now < guard) else min(new)

    def size(stream: Stream) -> float:
        if stream.first is None:
            return first
        per_second = costs.work(0.6) / 0.6 * (1 + len(waiting) / workers)
        affordable = share * max(0.0, stream.runs_out - now) / per_second
        least = EFFICIENT * costs.chunk / costs.audio if protect and waiting else 0.0
        return max(first, least, min(affordable, 16 * stream.size))

    idle = workers
    while waiting or events:
        while idle and waiting:
            number = pick()
            waiting.remove(number)
            stream = streams[number]
            stream.size = min(size(stream), stream.left)
            work = costs.work(stream.size) + (costs.beginning if stream.first is None else 0.0)
            heapq.heappush(events, (now + work, number))
            idle -= 1
        now, number = heapq.heappop(events)
        idle += 1
        streams[number].receive(now, streams[number].size)
        streams[number].left -= streams[number].size
        if streams[number].left > 1e-9:
            waiting.append(number)
    return streams


def run(voice: voxstack.Voice, count: int) -> list[Stream]:
    """Run real streams that begin at once, each read as fast as it comes."""
    start, streams = threading.Barrier(count), [Stream(0.0) for _ in range(count)]
    zero = time.perf_counter()

    def listen(stream: Stream) -> None:
        start.wait()
        stream.began = time.perf_counter() - zero
        for chunk in voice.stream(TEXT):
            stream.receive(time.perf_counter() - zero, len(chunk.samples) / voice.sample_rate)

    threads = [threading.Thread(target=listen, args=(stream,)) for stream in streams]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return streams


def row(name: str, streams: list[Stream]) -> str:
    """Return a line of the table."""
    firsts = [stream.first or 0.0 for stream in streams]
    end = max(stream.chunks[-1][0] for stream in streams) - min(stream.began for stream in streams)
    audio = sum(seconds for stream in streams for _, seconds in stream.chunks)
    stalled = sum(stream.late > STALL for stream in streams)
    worst = max(stream.late for stream in streams)
    cells = [name, f"{stalled} of {len(streams)}", f"{1000 * worst:.0f} ms"]
    cells += [f"{1000 * statistics.median(firsts):.0f}, {1000 * max(firsts):.0f} ms", f"{audio / end:.0f} s"]
    return f"| {' | '.join(cells)} |"


def draw(runs: dict[str, list[Stream]], path: str) -> None:
    """Draw how far the audio of each stream is ahead of its listener, over time."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(runs), figsize=(5 * len(runs), 4), sharey=True, sharex=True)
    for axis, (name, streams) in zip(axes, runs.items(), strict=True):
        for stream in streams:
            times, leads, runs_out = [], [], 0.0
            for now, seconds in stream.chunks:
                runs_out = max(runs_out, now) if times else now
                times += [now, now]
                leads += [runs_out - now, runs_out - now + seconds]
                runs_out += seconds
            axis.plot(times, leads, linewidth=0.5)
        axis.set(title=name, xlabel="seconds", ylabel="seconds of audio ahead of the listener")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Simulate and run, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voice", default="amber")
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--trace", metavar="FILE.png", help="draw the lead of every stream")
    parser.add_argument("--json", action="store_true", help="print the costs as JSON, too")
    options = parser.parse_args()
    voice = voxstack.load(options.voice, scheduler=Scheduler(load=None, patience=None))
    costs, length = measured_costs(voice)
    print(f"{machine()}; {options.voice}: {options.streams} streams of {length:.1f} s at once\n")
    if options.json:
        print(json.dumps(costs._asdict()))
    runs: dict[str, Any] = {
        "simulated, by deadlines alone": simulate(options.streams, length, costs, protect=False),
        "simulated": simulate(options.streams, length, costs, protect=True),
        "real": run(voice, options.streams),
    }
    head = ["", "stalled over 20 ms", "longest", "first audio, median and last", "audio a second"]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    print("\n".join(row(name, streams) for name, streams in runs.items()))
    if options.trace:
        draw(runs, options.trace)


if __name__ == "__main__":
    main()
