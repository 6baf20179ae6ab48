"""How long it takes until something is there: importing, finding plugins, the first audio of a new process.

    python tests/benchmarks/start_up.py [--runs 11]

Each row is the median of fresh processes, the kinds in turn, so that a machine that drifts does so under all of them; the
second column is the share of `import numpy` in the same round.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

KINDS = {
    "import numpy": "import numpy",
    "import voxstack, after numpy": "import numpy; start = now(); import voxstack",
    "discovery of all plugins": "import voxstack; start = now(); voxstack.Registry.installed()",
    "load amber": "import voxstack; voxstack.Registry.installed(); start = now(); voxstack.load('amber')",
    "first audio, loaded": "import voxstack; v = voxstack.load('amber'); start = now(); next(v.stream('Hello there, how are you today?'))",
    "process start to first audio": "import voxstack; next(voxstack.load('amber').stream('Hello there, how are you today?'))",
}
CODE = "import time; now = time.perf_counter; start = {start}; {body}; print(now() - start if start else time.time() - {begun})"


def once(kind: str) -> float:
    """Seconds of one fresh process."""
    import time

    whole = kind.startswith("process start")
    code = CODE.format(start="0" if whole else "now()", body=KINDS[kind], begun=time.time())
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Measure all kinds in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=11)
    options = parser.parse_args()
    for kind in KINDS:
        once(kind)  # files come into the page cache
    rounds = [{kind: once(kind) for kind in KINDS} for _ in range(options.runs)]
    for kind in KINDS:
        seconds = statistics.median(row[kind] for row in rounds)
        share = statistics.median(row[kind] / row["import numpy"] for row in rounds)
        print(f"{kind:32} {seconds * 1000:7.1f} ms   {share:5.2f} x import numpy")


if __name__ == "__main__":
    main()
