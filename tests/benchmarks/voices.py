"""Memory and time of many voices in one process: python tests/benchmarks/voices.py

Voices are copies of amber, each with weights of its own but for the vocoder, which is prism's, or also with a vocoder of its own.
Each measurement has a process to itself.
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

MEASURED = """
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
    begun = time.perf_counter()
    with voices.use(path):
        took.append(time.perf_counter() - begun)
    voices.synthesize(path, "Hello there, my friend.")
    held.append(memory() - base)
told = sum(row.own for row in voices.status()) + (voices.status()[0].shared)
for path in paths:
    voices.unload(path)
print(json.dumps({"first": held[0], "all": held[-1], "took": took, "told": told / 1e6, "after": memory() - base}))
"""

WHILE_OTHERS_RUN = """
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
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun

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

WITHIN_A_BUDGET = """
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
begun = time.perf_counter()
next(voices.stream(json.loads(sys.argv[1])[0], "Hello there, my friend."))
print(json.dumps({"took": time.perf_counter() - begun}))
"""


CHANGE = (("before", "1.0"), ("behind", "9.0"))
"""Where two versions of a voice lie, and their numbers."""


def told(paths: Iterable[Path]) -> str:
    return json.dumps([str(path) for path in paths])


def measured(paths: list[Path]) -> dict[str, Any]:
    made: dict[str, Any] = fresh(MEASURED, told(paths))
    return made


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", type=int, default=10)
    parser.add_argument("--out", type=Path, help="folder for voices.md")
    options = parser.parse_args()
    count = options.voices
    with tempfile.TemporaryDirectory() as folder:
        lent, own, same = (Path(folder, name) for name in ("lent", "own", "same"))
        sharing = measured([copied(lent, "amber", f"v{i}", weights=i + 1) for i in range(count)])
        apart = measured([copied(own, "amber", f"v{i}", weights=i + 1, own=True) for i in range(count)])
        equal = measured([copied(same, "amber", f"v{i}") for i in range(count)])
        cycled = fresh(WITHIN_A_BUDGET, told(lent.glob("v*")))
        first = {kind: fresh(FIRST_REQUEST, told([lent / "v0"]), kind)["took"] for kind in ("cold", "warm")}
        changed = [
            copied(Path(folder, kind), "amber", "changing", weights=101, version=version) for kind, version in CHANGE
        ]
        quiet, while_others = (
            fresh(WHILE_OTHERS_RUN, told([*changed, lent / "v0"]), what) for what in ("nothing", "change")
        )
    vocoder = (apart["all"] - sharing["all"]) / (count - 1)
    rows = [
        Row("memory of one voice", sharing["first"], "MB"),
        Row(f"of {count} voices with one vocoder", sharing["all"], "MB", note=f"told: {sharing['told']:.0f} MB"),
        Row(f"of {count} voices with a vocoder each", apart["all"], "MB", note=f"told: {apart['told']:.0f} MB"),
        Row("so a vocoder takes", vocoder, "MB"),
        Row(f"{count} voices that are equal in all networks, over one", equal["all"] / equal["first"]),
        Row("left when all are unloaded", sharing["after"], "MB"),
        Row(
            f"{count} voices in turn, five times, within a budget for three: memory over that of three",
            cycled["last"] / cycled["first"],
            note=f"{cycled['first']:.0f} and {cycled['last']:.0f} MB, {cycled['loaded']} loaded at the end",
        ),
        Row("opening the first", 1000 * sharing["took"][0], "ms"),
        Row("opening another, median", 1000 * sorted(sharing["took"][1:])[count // 2 - 1], "ms"),
        Row("first audio of a first request, opened for it", 1000 * first["cold"], "ms"),
        Row("first audio of a first request, warm", 1000 * first["warm"], "ms"),
        Row(
            "reload while 8 streams of 9 s run: streams that said all",
            while_others["whole"],
            "of 8",
            limit=8,
            minimum=True,
        ),
        Row(
            "until the new version serves",
            1000 * while_others["reload"],
            "ms",
            note=f"{while_others['running']} streams still ran then",
        ),
        Row("opening another voice meanwhile", 1000 * while_others["other"], "ms"),
        Row(
            "longest wait for a chunk in these streams",
            1000 * while_others["gap"],
            "ms",
            note=f"without a reload and an opening: {1000 * quiet['gap']:.0f} ms",
        ),
    ]
    table = f"{machine()}\n\n{markdown(rows)}\n"
    print(table)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "voices.md").write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()
