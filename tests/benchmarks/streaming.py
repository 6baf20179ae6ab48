"""Costs and benefits of streaming, as one table with plots.

    python tests/benchmarks/streaming.py [--rounds 7] [--only first_audio,memory] [--out FOLDER]

Unless it says otherwise, a row is a ratio of medians that were measured in turn in one process, with one thread per
network call. FOLDER receives ``streaming.md``, ``streaming.json`` and ``streaming.png``.
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
    """Measure, print and write; return exit status 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    streams = "number of streams after which memory must not have grown"
    parser.add_argument("--streams", type=int, default=10_000, help=streams)
    sections = ",".join(SECTIONS)
    parser.add_argument("--only", default=sections, help=f"sections to measure (default: {sections})")
    parser.add_argument("--out", type=Path, default=Path("streaming-benchmark"))
    options = parser.parse_args()
    rows: list[Row] = []
    plots: dict[str, Any] = {}
    for section in options.only.split(","):
        print(f"measuring {section} ...", file=sys.stderr, flush=True)
        section_rows, section_plots = measure_section(section, options)
        rows += section_rows
        plots |= section_plots
    table = f"{machine()}\n\n{markdown(rows)}\n"
    print(table)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "streaming.md").write_text(table, encoding="utf-8")
    data = [row.as_json() | {"holds": row.holds} for row in rows]
    (options.out / "streaming.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    if plots:
        draw(plots, options.out / "streaming.png")
    return int(any(row.holds is False for row in rows))


def measure_section(section: str, options: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    """Return the rows of one section, and its figures for the plots."""
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
    raise SystemExit(f"no section named {section!r}; the sections are {', '.join(SECTIONS)}")


def draw(plots: dict[str, Any], path: Path) -> None:
    """Plot first audio and work by length of text, and by number of requests, each relative to whole calls."""
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
