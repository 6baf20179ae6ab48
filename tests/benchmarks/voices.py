"""Memory and time of many voices in one process.

    python tests/benchmarks/voices.py [--voices 10] [--out FOLDER]

Voices are copies of amber. Each has weights of its own, except for the vocoder, which is prism's or also its own. Each
measurement has a process of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from measure import Row, fresh, machine, markdown

sys.path.append(str(Path(__file__).parents[1] / "support"))
from copies import copied

MEMORY = """
import ctypes, gc, json, sys, time
from pathlib import Path
import voxstack, onnxruntime
from voxstack_voices import Voices

def memory():
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

paths = json.loads(sys.argv[1])
voices, base, took, held = Voices(), memory(), [], []
for path in paths:
    start = time.perf_counter()
    with voices.use(path):
        took.append(time.perf_counter() - start)
    voices.synthesize(path, "Hello there, my friend.")
    held.append(memory() - base)
reported = sum(row.own for row in voices.status()) + (voices.status()[0].shared)
for path in paths:
    voices.unload(path)
sizes = {"first": held[0], "all": held[-1], "reported": reported / 1e6, "after": memory() - base}
print(json.dumps({**sizes, "took": took}))
"""

RELOAD_UNDER_LOAD = """
import json, sys, threading, time
from pathlib import Path
from voxstack_voices import Voices
from texts import NINE

old, new, other = map(Path, json.loads(sys.argv[1]))
voices = Voices(warm=[old])
expected = sum(len(chunk.samples) for chunk in voices.stream(old, NINE))
ends, gaps, started, longest = [], [], threading.Barrier(9), [0.0] * 8

def listen(number):
    stream, samples = voices.stream(old, NINE), 0
    last = None
    for chunk in stream:
        now = time.perf_counter()
        if last is None:
            started.wait()
        else:
            longest[number] = max(longest[number], now - last)
        last, samples = time.perf_counter(), samples + len(chunk.samples)
    ends.append(samples == expected)

def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start

def opened(path):
    with voices.use(path) as voice:
        return voice.addon.config["version"]

threads = [threading.Thread(target=listen, args=(number,)) for number in range(8)]
for thread in threads:
    thread.start()
started.wait()
took = other_took = 0.0
if sys.argv[2] == "change":
    old.rename(old.with_name("gone"))
    new.rename(old)
    took, other_took = seconds(lambda: opened(old)), seconds(lambda: opened(other))
    assert opened(old) == "9.0"
running = sum(thread.is_alive() for thread in threads)
for thread in threads:
    thread.join()
print(json.dumps({"whole": sum(ends), "running": running, "reload": took, "other": other_took, "gap": max(longest)}))
"""

WITHIN_BUDGET = """
import json, sys
from pathlib import Path
from voxstack_voices import Voices

def memory():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

paths = json.loads(sys.argv[1])
voices = Voices(warm=paths[:3])
voices.budget = sum(row.own for row in voices.status()) + voices.status()[0].shared
first = memory()
for _ in range(5):
    voices.warm(*paths)
print(json.dumps({"first": first, "last": memory(), "loaded": len(voices.status())}))
"""

FIRST_REQUEST = """
import json, sys, time
from voxstack_voices import Voices

voices = Voices(warm=json.loads(sys.argv[1]) if sys.argv[2] == "warm" else [])
start = time.perf_counter()
next(voices.stream(json.loads(sys.argv[1])[0], "Hello there, my friend."))
print(json.dumps({"took": time.perf_counter() - start}))
"""


VERSIONS = (("before", "1.0"), ("after", "9.0"))
"""Folders of two versions of a voice, and their version numbers."""


def paths_argument(paths: Iterable[Path]) -> str:
    """Return paths as a JSON argument for a fresh process."""
    return json.dumps([str(path) for path in paths])


def measure_memory(paths: list[Path]) -> dict[str, Any]:
    """Open and use voices one after the other in a fresh process."""
    figures: dict[str, Any] = fresh(MEMORY, paths_argument(paths))
    return figures


def memory_rows(count: int, sharing: dict[str, Any], apart: dict[str, Any], equal: dict[str, Any]) -> list[Row]:
    """Return the rows of memory in MB, with the vocoder shared, apart, and with all networks equal."""
    shared, own = (f"reported: {figures['reported']:.0f} MB" for figures in (sharing, apart))
    return [
        Row("memory of one voice", sharing["first"], "MB"),
        Row(f"of {count} voices with one vocoder", sharing["all"], "MB", note=shared),
        Row(f"of {count} voices with a vocoder each", apart["all"], "MB", note=own),
        Row("so a vocoder takes", (apart["all"] - sharing["all"]) / (count - 1), "MB"),
        Row(f"{count} voices that are equal in all networks, over one", equal["all"] / equal["first"]),
        Row("left when all are unloaded", sharing["after"], "MB"),
    ]


def opening_rows(took: list[float], first: dict[str, float]) -> list[Row]:
    """Return the rows of opening voices, and of the first audio of a first request."""
    others = sorted(took[1:])
    return [
        Row("opening the first", 1000 * took[0], "ms"),
        Row("opening another, median", 1000 * others[len(took) // 2 - 1], "ms"),
        Row("first audio of a first request, opened for it", 1000 * first["cold"], "ms"),
        Row("first audio of a first request, warm", 1000 * first["warm"], "ms"),
    ]


def reload_rows(quiet: dict[str, Any], reloading: dict[str, Any]) -> list[Row]:
    """Return the rows of a reload while streams run."""
    running = f"{reloading['running']} streams still ran then"
    gap = f"without a reload and an opening: {1000 * quiet['gap']:.0f} ms"
    complete = "reload while 8 streams of 9 s run: complete streams"
    return [
        Row(complete, reloading["whole"], "of 8", limit=8, minimum=True),
        Row("until the new version serves", 1000 * reloading["reload"], "ms", note=running),
        Row("opening another voice meanwhile", 1000 * reloading["other"], "ms"),
        Row("longest wait for a chunk in these streams", 1000 * reloading["gap"], "ms", note=gap),
    ]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", type=int, default=10)
    parser.add_argument("--out", type=Path, help="folder for voices.md")
    options = parser.parse_args()
    count = options.voices
    with tempfile.TemporaryDirectory() as folder:
        lent, own, same = (Path(folder, name) for name in ("lent", "own", "same"))
        sharing = measure_memory([copied(lent, "amber", f"v{i}", weights=i + 1) for i in range(count)])
        apart = measure_memory([copied(own, "amber", f"v{i}", weights=i + 1, own=True) for i in range(count)])
        equal = measure_memory([copied(same, "amber", f"v{i}") for i in range(count)])
        cycled = fresh(WITHIN_BUDGET, paths_argument(lent.glob("v*")))
        first = {kind: fresh(FIRST_REQUEST, paths_argument([lent / "v0"]), kind)["took"] for kind in ("cold", "warm")}
        changed = [
            copied(Path(folder, kind), "amber", "changing", weights=101, version=version) for kind, version in VERSIONS
        ]
        quiet, reloading = (
            fresh(RELOAD_UNDER_LOAD, paths_argument([*changed, lent / "v0"]), what) for what in ("nothing", "change")
        )
    rows = memory_rows(count, sharing, apart, equal)
    note = f"{cycled['first']:.0f} and {cycled['last']:.0f} MB, {cycled['loaded']} loaded at the end"
    quantity = f"{count} voices in turn, five times, within a budget for three: memory over that of three"
    rows.append(Row(quantity, cycled["last"] / cycled["first"], note=note))
    rows += opening_rows(sharing["took"], first)
    rows += reload_rows(quiet, reloading)
    table = f"{machine()}\n\n{markdown(rows)}\n"
    print(table)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "voices.md").write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()
