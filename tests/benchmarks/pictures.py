"""The pictures of the voices in the README and in that of voxstack-plot.

    python tests/benchmarks/pictures.py [--out FOLDER]

Writes them to plugins/plot/images by default. All but those with measured times are the same each time.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import voxstack
from voxstack import EventTrace

FOLDER = Path(__file__).parents[2] / "plugins" / "plot" / "images"
TEXT = "The quick brown fox jumps over the lazy dog."
TWO = "Streams begin at once. What follows is computed while the first words play."


def main() -> None:
    """Synthesize, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FOLDER)
    folder = parser.parse_args().out
    amber, cobalt = voxstack.load("amber"), voxstack.load("cobalt")
    speech = amber.synthesize(TEXT)
    speech.plot("spectrogram", folder / "spectrogram.png")
    speech.plot("pitch", folder / "pitch.png")
    speech.plot("alignment", folder / "durations.png")
    cobalt.synthesize(TEXT, trace=EventTrace()).plot("alignment", folder / "attention.png")
    list(amber.stream(TWO))  # networks are slower when they run first
    trace = EventTrace()
    list(amber.stream(TWO, trace=trace))
    voxstack.plot(trace, "trace", folder / "trace.png")
    amber.graph(trace).save(folder / "stack.svg")
    for path in sorted(folder.iterdir()):
        print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
