"""Traces as charts of bars over time: a row for each block and each network, in the order of their first calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack import RequestError
from voxstack_plot.colours import CATEGORIES, GREY, GRID, INK
from voxstack_plot.picture import Picture, new_figure
from voxstack_plot.trace_file import Span, TraceContent, read_trace, trace_content

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 60
"""Rows of a chart."""
NAMES = {"block": "pull or call of a block", "network": "call of a network", "scheduler": "turn", "wait": "wait"}


@dataclass
class Row:
    """The spans of one row of a chart."""

    label: str
    category: str
    spans: list[Span] = field(default_factory=list)


def draw(subject: Any) -> Picture:
    """Return the chart of a trace; bars of one row that are close together are drawn as one."""
    from matplotlib.patches import Patch

    content = trace_content(_document(subject))
    rows = _rows(content)
    if not rows:
        raise RequestError("the trace has no events, so there is nothing to draw; synthesize some text with it")
    shown, left_out = rows[:MOST], max(0, len(rows) - MOST)
    figure = new_figure(9.5, 1.2 + 0.21 * len(shown))
    axes = figure.subplots()
    end = 1e3 * max(span.start + span.seconds for row in shown for span in row.spans)
    for number, row in enumerate(shown):
        _bars(axes, number, row, end)
    axes.set_yticks(range(len(shown)))
    axes.set_yticklabels([row.label for row in shown], fontsize=8, family="DejaVu Sans Mono", parse_math=False)
    letters = max(len(row.label) for row in shown)
    axes.tick_params(axis="y", length=0, pad=4 + 8 * 0.602 * letters)  # points: labels begin there, at the left
    for label in axes.get_yticklabels():
        label.set_horizontalalignment("left")
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlim(0, 1.01 * end)
    more = f"; {left_out} more rows are not shown" if left_out else ""
    axes.set_xlabel(f"time since the stream began (ms){more}")
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    _mark_first_audio(axes, content.first_audio)
    kinds = {row.category for row in shown}
    handles = [Patch(color=colour, label=NAMES[kind]) for kind, colour in CATEGORIES.items() if kind in kinds]
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    return Picture(figure, "trace")


def _document(subject: Any) -> Any:
    """Return the JSON of a trace.

    :raises RequestError: for a speech that keeps none, or anything else that is no trace.
    """
    if isinstance(subject, str | Path):
        return read_trace(subject)
    trace = getattr(subject, "trace", subject) if not hasattr(subject, "as_json") else subject
    if hasattr(trace, "as_json"):
        return trace.as_json()
    if isinstance(trace, dict | list):
        return trace
    advice = "synthesize with voice.synthesize(text, trace=voxstack.EventTrace())"
    raise RequestError(f"this {type(subject).__name__} has no trace of events; {advice}, or give a trace file")


def _rows(content: TraceContent) -> list[Row]:
    """Return the spans by row: waits and turns, then blocks from the outside in, then networks."""
    found: list[dict[tuple[str, str], Row]] = [{}, {}, {}, {}]
    for span in content.spans:
        path, label, group = str(span.args.get("path", "")), span.name, 2
        if span.category == "wait":
            group = 0
        elif span.category == "scheduler":
            group, label = 1, f"{span.name}, {content.threads.get(span.thread, f'thread {span.thread}')}"
        elif span.category == "network":
            group = 3
        elif path:
            place = f" {path[path.rindex('[') :]}" if path.endswith("]") else ""
            label = f"{'  ' * path.count('.')}{span.name}{place}"
        found[group].setdefault((label, path), Row(label[:60], span.category)).spans.append(span)
    return [row for rows in found for row in rows.values()]


def _bars(axes: Axes, number: int, row: Row, end: float) -> None:
    """Draw the bars of a row, apart from each other where they are wide, and visible where they are not."""
    starts, widths = (1e3 * np.array(values) for values in zip(*((s.start, s.seconds) for s in row.spans), strict=True))
    colour = CATEGORIES.get(row.category, GREY)
    edges = ["white" if width > end / 200 else colour for width in widths]
    axes.barh(np.full(len(starts), number), widths, 0.7, left=starts, color=colour, edgecolor=edges, linewidth=0.5)


def _mark_first_audio(axes: Axes, first: float | None) -> None:
    if first is not None:
        axes.axvline(1e3 * first, color=INK, linestyle="--", linewidth=1.1)
        axes.annotate(
            f"first audio, {1e3 * first:.0f} ms", (1e3 * first, 1), xycoords=("data", "axes fraction"),
            xytext=(3, 3), textcoords="offset points", fontsize=8, color=INK,
        )  # fmt: skip
