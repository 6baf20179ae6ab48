"""What streaming costs and brings, as one table with plots.

    python tests/benchmarks/streaming.py [--rounds 7] [--only first_audio,memory] [--out FOLDER]

Every row is a ratio of medians that were measured in turn in one process, on one thread a network call, unless it says otherwise.
FOLDER gets ``streaming.md``, ``streaming.json`` and ``streaming.png``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from measure import Row, machine, markdown

SECTIONS = ("overhead", "first_audio", "concurrency", "memory")


def main() -> int:
    """Measure, print, write, and say with the exit status whether everything holds that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--streams", type=int, default=10_000, help="streams for the memory that must not grow")
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"sections, of {','.join(SECTIONS)}")
    parser.add_argument("--out", type=Path, default=Path("streaming-benchmark"))
    options = parser.parse_args()
    rows: list[Row] = []
    plots: dict[str, Any] = {}
    for section in options.only.split(","):
        print(f"measuring {section} ...", file=sys.stderr, flush=True)
        measured = measured_by(section, options)
        rows += measured[0]
        plots |= measured[1]
    table = f"{machine()}\n\n{markdown(rows)}\n"
    print(table)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "streaming.md").write_text(table, encoding="utf-8")
    (options.out / "streaming.json").write_text(
        json.dumps([vars(row) | {"holds": row.holds} for row in rows], indent=1) + "\n", encoding="utf-8"
    )
    if plots:
        draw(plots, options.out / "streaming.png")
    return int(any(row.holds is False for row in rows))


def measured_by(section: str, options: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    """Rows of one section, and its figures for the plots."""
    if section == "overhead":
        import overhead

        return overhead.run(options.rounds), {}
    if section == "first_audio":
        import first_audio

        rows, cases = first_audio.run(options.rounds)
        return rows, {"cases": cases}
    if section == "concurrency":
        import concurrency

        rows, bursts = concurrency.run(options.rounds)
        return rows, {"bursts": bursts}
    if section == "memory":
        import memory

        return memory.run(options.streams), {}
    raise SystemExit(f"there is no section {section!r}; it is one of {', '.join(SECTIONS)}")


def draw(plots: dict[str, Any], path: Path) -> None:
    """First audio and work by length of text, and by number of requests, each relative to whole calls."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4), layout="constrained")
    cases = plots.get("cases", {})
    seconds = [case["audio"] for case in cases.values()]
    for key, label, marker in (("sooner", "first audio, times sooner", "o"), ("cpu", "CPU, of whole calls", "s")):
        axes[0].plot(seconds, [case[key] for case in cases.values()], marker, label=label)
    for name, case in cases.items():
        axes[0].annotate(name, (case["audio"], case["sooner"]), xytext=(4, 4), textcoords="offset points", fontsize=8)
    axes[0].set(xscale="log", yscale="log", xlabel="seconds of speech", title="one stream against one call a sentence")
    for name, points in plots.get("bursts", {}).items():
        axes[1].plot(list(points), list(points.values()), "o-", label=f"{name}, of whole calls")
    axes[1].set(
        xscale="log", yscale="log", xlabel="requests at once", title="requests of 9 s against a thread for each"
    )
    axes[0].margins(x=0.12)
    for axis in axes:
        axis.axhline(1, color="grey", linewidth=0.8)
        axis.grid(alpha=0.3)
        if axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize=8)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    sys.exit(main())
