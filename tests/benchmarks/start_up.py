"""Start-up times: imports, discovery of plugins, the first audio of a new process.

    python tests/benchmarks/start_up.py [--runs 11]

Each row is the median of fresh processes, the kinds in turn, so that a machine that drifts does so under all of them.
The second column is relative to `import numpy` in the same round.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

FIRST_CHUNK = "next({voice}.stream('Hello there, how are you today?'))"
KINDS = {
    "import numpy": "import numpy",
    "import voxstack, after numpy": "import numpy; start = now(); import voxstack",
    "discovery of all plugins": "import voxstack; start = now(); voxstack.Registry.installed()",
    "load amber": "import voxstack; voxstack.Registry.installed(); start = now(); voxstack.load('amber')",
    "first audio, loaded": "import voxstack; v = voxstack.load('amber'); start = now(); "
    + FIRST_CHUNK.format(voice="v"),
    "process start to first audio": "import voxstack; " + FIRST_CHUNK.format(voice="voxstack.load('amber')"),
}
CODE = (
    "import time; now = time.perf_counter; start = {start}; {body}; "
    "print(now() - start if start else time.time() - {launched})"
)


def run(kind: str) -> float:
    """Return the seconds that one kind takes in a fresh process."""
    from_launch = kind.startswith("process start")
    code = CODE.format(start="0" if from_launch else "now()", body=KINDS[kind], launched=time.time())
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Measure all kinds in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=11)
    options = parser.parse_args()
    for kind in KINDS:
        run(kind)  # files enter the page cache
    rounds = [{kind: run(kind) for kind in KINDS} for _ in range(options.runs)]
    for kind in KINDS:
        seconds = statistics.median(row[kind] for row in rounds)
        ratio = statistics.median(row[kind] / row["import numpy"] for row in rounds)
        print(f"{kind:32} {seconds * 1000:7.1f} ms   {ratio:5.2f} x import numpy")


if __name__ == "__main__":
    main()
