"""The stack of a voice, drawn as its graph lays it out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import voxstack
from voxstack_plot.colours import BLOCKS, INK
from voxstack_plot.picture import Picture, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PIXELS = 100
"""Pixels of the layout in an inch."""
SIZE, LINE, PAD = 12 * 72 / PIXELS, 16, 8
"""Height of letters in points; distance of lines, and of text from the edge of a box, in pixels, as in the layout."""


def draw(subject: Any, trace: Any = None) -> Picture:
    """Return the graph of a voice or a block, with the times of a trace, if there is one."""
    graph = voxstack.graph(subject, trace=trace)
    layout = graph.layout
    figure = new_figure(layout.width / PIXELS, layout.height / PIXELS)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, layout.width)
    axes.set_ylim(layout.height, 0)
    axes.set_axis_off()
    for box in layout.boxes:
        _box(axes, box)
    for arrow in layout.arrows:
        _arrow(axes, arrow)
    for box in layout.boxes:
        if box.kind == "group":
            white = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
            _text(axes, box.x + PAD, box.y + LINE, box.title, bbox=white)
    return Picture(figure, f"the stack of {graph.title}")


def _box(axes: Axes, box: Any) -> None:
    from matplotlib.patches import FancyBboxPatch

    fill, outline = BLOCKS[box.kind]
    style = (0, (5, 3)) if box.kind == "group" else "solid"
    patch = FancyBboxPatch(
        (box.x, box.y), box.width, box.height, "round,pad=0,rounding_size=5",
        facecolor=fill, edgecolor=outline, linestyle=style, linewidth=0.9,
    )  # fmt: skip
    axes.add_patch(patch)
    if box.kind == "group":
        return
    _text(axes, box.x + PAD, box.y + LINE, box.title, weight="bold")
    for number, line in enumerate(box.lines, 2):
        _text(axes, box.x + PAD, box.y + number * LINE, line)


def _arrow(axes: Axes, arrow: Any) -> None:
    xs, ys = zip(*arrow.points, strict=True)
    axes.plot(xs, ys, color=INK, linewidth=0.9, linestyle=(0, (2, 2)) if arrow.plain else "solid")
    if not arrow.plain:
        x, y = arrow.points[-1]
        axes.fill([x - 4, x + 4, x], [y - 8, y - 8, y], color=INK, linewidth=0)
    for number, text in enumerate(arrow.lines, 1):
        _text(axes, xs[0] + PAD, ys[0] + number * LINE, text)


def _text(axes: Axes, x: float, y: float, text: str, **style: Any) -> None:
    font = {"family": "DejaVu Sans Mono", "size": SIZE}
    axes.text(x, y, text, fontdict=font, color=INK, va="baseline", parse_math=False, **style)
