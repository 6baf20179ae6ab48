"""Memory and time of many voices in one process: python tests/benchmarks/voices.py

Voices are copies of amber, each with weights of its own but for the vocoder, which is prism's, or also with a vocoder of its own.
Each measurement has a process to itself.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
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


def measured(paths: list[Path]) -> dict[str, Any]:
    made: dict[str, Any] = fresh(MEASURED, json.dumps([str(path) for path in paths]))
    return made


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", type=int, default=10)
    count = parser.parse_args().voices
    with tempfile.TemporaryDirectory() as folder:
        lent, own, same = (Path(folder, name) for name in ("lent", "own", "same"))
        sharing = measured([copied(lent, "amber", f"v{i}", weights=i + 1) for i in range(count)])
        apart = measured([copied(own, "amber", f"v{i}", weights=i + 1, own=True) for i in range(count)])
        equal = measured([copied(same, "amber", f"v{i}") for i in range(count)])
    vocoder = (apart["all"] - sharing["all"]) / (count - 1)
    rows = [
        Row("memory of one voice", sharing["first"], "MB"),
        Row(f"of {count} voices with one vocoder", sharing["all"], "MB", note=f"told: {sharing['told']:.0f} MB"),
        Row(f"of {count} voices with a vocoder each", apart["all"], "MB", note=f"told: {apart['told']:.0f} MB"),
        Row("so a vocoder takes", vocoder, "MB"),
        Row(f"{count} voices that are equal in all networks, over one", equal["all"] / equal["first"]),
        Row("left when all are unloaded", sharing["after"], "MB"),
        Row("opening the first", 1000 * sharing["took"][0], "ms"),
        Row("opening another, median", 1000 * sorted(sharing["took"][1:])[count // 2 - 1], "ms"),
    ]
    print(f"{machine()}\n\n{markdown(rows)}")


if __name__ == "__main__":
    main()
