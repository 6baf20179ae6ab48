"""Cost of the hooks of traces where nothing is traced, and of traces, in the overhead of a chunk.

    python tests/benchmarks/tracing.py [--rounds 200] [--out FILE.md]

A sentence of ``amber`` is streamed in chunks of 16 frames, all of whose network outputs are replayed from memory: what
is left is the overhead of blocks, scheduler and NumPy. The build without hooks is this one with their lines removed,
compiled again for both sides. The sides are run in turn, in another order in each round. Seconds are those of the
thread on the processor, which other programs on the machine change little.
"""

from __future__ import annotations

import argparse
import inspect
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import onnxruntime
from measure import Row, in_turns, machine, markdown
from texts import NINE

import voxstack
import voxstack_voice.ticket
from voxstack import EventTrace, Schedule
from voxstack.streaming.tracing import Trace
from voxstack_voice.ticket import Ticket

HOOKS: list[tuple[ModuleType, type, list[str], list[tuple[str, str]]]] = [
    (voxstack_voice.ticket, Ticket, ["turn", "_work"], [("self.turn_type(self", "StreamTurn(self")]),
]
"""The hooks on the way of a chunk: module, class, methods, and the texts that make them the methods without hooks."""


KINDS = {
    "off": "no trace",
    "later": "no trace, after an EventTrace in the process",
    "times": "a Trace",
    "events": "an EventTrace",
}


def methods(with_hooks: bool) -> Callable[[], None]:
    """Return a function that puts methods in place, with hooks or without."""
    found = []
    for module, owner, names, changes in HOOKS:
        source = inspect.getsource(module)
        for old, new in changes if not with_hooks else ():
            assert old in source, f"{module.__name__} has no {old!r}; correct HOOKS"
            source = source.replace(old, new)
        names_of_module = dict(vars(module))
        exec(compile(source, module.__file__ or "", "exec"), names_of_module)
        made = names_of_module[owner.__name__]
        found += [(owner, name, vars(made)[name]) for name in names]

    def place() -> None:
        for owner, name, method in found:
            setattr(owner, name, method)

    return place


class Replay:
    """Records the outputs of all calls of ONNX Runtime once, and returns them from then on."""

    def __init__(self) -> None:
        self.outputs: list[Any] = []
        self.next, self.recording = 0, True
        bare = onnxruntime.InferenceSession.run

        def run(session: Any, *arguments: Any) -> Any:
            if self.recording:
                self.outputs.append(bare(session, *arguments))
                return self.outputs[-1]
            self.next += 1
            return self.outputs[self.next - 1]

        onnxruntime.InferenceSession.run = run


def main() -> int:
    """Measure and print; return exit status 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    voice, schedule = voxstack.load("amber"), Schedule(first=16, growth=1.0, largest=16, share=1e9)
    list(voice.stream(NINE, schedule=schedule))  # everything is loaded, and costs are learnt
    replay = Replay()
    count = len(list(voice.stream(NINE, schedule=schedule)))
    replay.recording = False

    def timed(
        place: Callable[[], None], trace: Callable[[], Trace | None] = lambda: None, observed: bool = False
    ) -> dict[str, float]:
        place()
        for network in voice.addon.opened:  # the first EventTrace of a process changes this, for good
            network._run = network._bare_run
            if observed:
                network.observe_calls()
        replay.next, own, start = 0, trace(), time.thread_time()
        chunks = sum(1 for _ in voice.stream(NINE, schedule=schedule, trace=own))
        seconds = time.thread_time() - start
        assert (chunks, replay.next) == (count, len(replay.outputs)), "the chunks are others"
        return {"chunk": seconds / chunks}

    hooks, bare = methods(with_hooks=True), methods(with_hooks=False)
    runs = {
        "without": lambda: timed(bare),
        "off": lambda: timed(hooks),
        "later": lambda: timed(hooks, observed=True),
        "times": lambda: timed(hooks, Trace),
        "events": lambda: timed(hooks, EventTrace),
    }
    found = {name: [row["chunk"] for row in rows] for name, rows in in_turns(runs, options.rounds).items()}
    rows = [row for name in KINDS for row in rows_of(name, found[name], found["without"])]
    base = 1e6 * statistics.median(found["without"])
    head = f"{machine()}; {options.rounds} rounds of {count} chunks, {base:.0f} µs a chunk without hooks"
    text = f"# Traces: their cost in the overhead of a chunk\n\n{head}.\n\n{markdown(rows)}\n"
    print(text)
    if options.out is not None:
        options.out.write_text(text)
    return int(any(row.holds is False for row in rows))


def rows_of(name: str, values: list[float], base: list[float]) -> list[Row]:
    """Return the rows of one kind of trace: the median of the ratios of each round, and the ratio of the fastest."""
    kind, limit = KINDS[name], 1.01 if name in ("off", "later") else None
    ratio = statistics.median(value / other for value, other in zip(values, base, strict=True))
    return [
        Row(f"{kind}, of a build without hooks: median of the rounds", ratio, limit=limit),
        Row(f"{kind}, of a build without hooks: medians", statistics.median(values) / statistics.median(base)),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
