"""A graph as SVG. Every text is escaped: it may come from an addon of a stranger."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from voxstack_voice.display.layout import LINE, PAD, SIZE, Arrow, Box, Layout

COLOURS = {
    "sequence": ("#dcebf7", "#0072b2"),
    "streamable": ("#fdebd0", "#a65e00"),
    "network": ("#dbf1e8", "#007a59"),
    "group": ("none", "#8a8a8a"),
}
"""Fill and outline by kind of box: tints and shades of the palette of Okabe and Ito, for every kind of sight."""

INK = "#1a1a1a"
FONT = "'DejaVu Sans Mono', Menlo, Consolas, monospace"


def svg_of(layout: Layout, title: str) -> str:
    """Return a picture, dark on white, with a title for readers of screens."""
    size = f'width="{layout.width:.0f}" height="{layout.height:.0f}"'
    view = f'viewBox="0 0 {layout.width:.0f} {layout.height:.0f}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img" font-family="{FONT}" font-size="{SIZE}">'
    back = f"<title>{escape(title)}</title>" + '<rect width="100%" height="100%" fill="#ffffff"/>'
    boxes = [part for box in layout.boxes for part in _box(box)]
    arrows = [part for arrow in layout.arrows for part in _arrow(arrow)]
    titles = [_text(box.x + PAD, box.y + LINE, box.title, _HALO) for box in layout.boxes if box.kind == "group"]
    return "\n".join([head, back, *boxes, *arrows, *titles, "</svg>\n"])


def _box(box: Box) -> Iterator[str]:
    fill, outline = COLOURS[box.kind]
    dashes = ' stroke-dasharray="5 3"' if box.kind == "group" else ""
    place = f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="5"'
    yield f'<rect {place} fill="{fill}" stroke="{outline}" stroke-width="1.2"{dashes}/>'
    if box.kind == "group":
        return
    yield _text(box.x + PAD, box.y + LINE, box.title, ' font-weight="bold"')
    for number, line in enumerate(box.lines, 2):
        yield _text(box.x + PAD, box.y + number * LINE, line)


def _arrow(arrow: Arrow) -> Iterator[str]:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in arrow.points)
    dashes = ' stroke-dasharray="2 2"' if arrow.plain else ""
    yield f'<polyline points="{points}" fill="none" stroke="{INK}" stroke-width="1.2"{dashes}/>'
    (x, y), (end_x, end_y) = arrow.points[0], arrow.points[-1]
    if not arrow.plain:
        yield f'<path d="M{end_x - 4:.1f} {end_y - 8:.1f} h8 l-4 8 z" fill="{INK}"/>'
    for number, text in enumerate(arrow.lines, 1):
        yield _text(x + PAD, y + number * LINE, text)


_HALO = ' stroke="#ffffff" stroke-width="5" paint-order="stroke"'
"""A white outline, for a text that an arrow goes through."""


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{INK}"{style} xml:space="preserve">{escape(text)}</text>'
