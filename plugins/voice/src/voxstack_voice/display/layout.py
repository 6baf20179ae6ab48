"""Places of the boxes and arrows of a graph: blocks from top to bottom, their networks at the right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from voxstack_voice.display.nodes import NetworkNode, Node
from voxstack_voice.display.shapes import arrow_labels

SIZE, LINE = 12, 16
"""Height of letters and of lines, in pixels."""

LETTER = 0.602 * SIZE
"""Width of a letter; all are as wide in a monospaced font."""

PAD, GAP, INDENT, COLUMN = 8, 14, 12, 34


@dataclass(frozen=True)
class Box:
    """A box; ``kind`` is ``sequence``, ``streamable``, ``network`` or ``group`` (around the blocks in a block)."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arrow:
    """An arrow through points, with lines of text at the right of the first one; ``plain`` has no head."""

    points: tuple[tuple[float, float], ...]
    lines: tuple[str, ...] = ()
    plain: bool = False


@dataclass
class Layout:
    """The boxes, outer ones first, and arrows of a graph, in pixels from its upper left corner."""

    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0


class _Builder:
    """Places the blocks of a tree, each below the one before it."""

    def __init__(self, root: Node) -> None:
        leaves = list(root.leaves())
        self.labels = dict(zip(map(id, leaves), arrow_labels(leaves), strict=True))
        self.depth = _depth(root)
        texts = [text for leaf in leaves for text in (leaf.name, *leaf.lines)]
        self.block_width = max(150.0, *map(text_width, texts)) + 2 * PAD
        self.left = PAD + self.depth * INDENT
        label = max([0.0, *(text_width(line) for lines in self.labels.values() for line in lines)])
        titles = [text_width(text) + 2 * PAD - 2 * (self.depth - level) * INDENT for text, level in _titles(root, 0)]
        # A label begins at the middle of its block.
        self.inner_right = self.left + max([self.block_width, self.block_width / 2 + label + 2 * PAD, *titles])
        self.network_x = self.inner_right + self.depth * INDENT + COLUMN
        networks = [text for leaf in leaves for network in leaf.networks for text in (network.name, *network.lines)]
        self.network_width = max(map(text_width, networks)) + 2 * PAD if networks else 0.0
        self.layout = Layout(width=self.network_x + (self.network_width or -COLUMN) + PAD)
        self.y: float = PAD
        self.networks_end: float = 0.0
        self.pending: tuple[float, tuple[str, ...]] | None = None  # bottom of the last block, and lines of its arrow

    def place(self, node: Node, level: int) -> None:
        """Place a block with the blocks in it.

        :param level: number of blocks around it.
        """
        if not node.inner:
            self._leaf(node)
            return
        top, at = self.y, len(self.layout.boxes)
        self.y += LINE + PAD + (0 if self.pending is None else GAP)  # the arrow that comes in is seen below the title
        for inner in node.inner:
            self.place(inner, level + 1)
        x, right = PAD + level * INDENT, self.inner_right + (self.depth - level) * INDENT
        self.layout.boxes.insert(at, Box(x, top, right - x, self.y - top, "group", node.title))
        self.y += PAD

    def _leaf(self, node: Node) -> None:
        top = max(self.y, self.networks_end) if node.networks else self.y
        self._arrow_to(top)
        height = _height(1 + len(node.lines))
        box = Box(self.left, top, self.block_width, height, node.kind, node.name, tuple(node.lines))
        self.layout.boxes.append(box)
        self._networks(node.networks, top)
        lines = self.labels[id(node)]
        self.pending = (top + height, tuple(lines))
        self.y = top + height + LINE * max(1, len(lines)) + GAP

    def _networks(self, networks: list[NetworkNode], top: float) -> None:
        start, bend = (self.left + self.block_width, top + LINE - 4), self.network_x - COLUMN / 2
        y = top
        for network in networks:
            own = _height(1 + len(network.lines))
            box = Box(self.network_x, y, self.network_width, own, "network", network.name, tuple(network.lines))
            self.layout.boxes.append(box)
            end = y + LINE - 4
            bends = ((bend, start[1]), (bend, end), (self.network_x, end))
            self.layout.arrows.append(Arrow(bends if network is not networks[0] else (start, *bends), plain=True))
            y += own + PAD
            self.networks_end = y

    def _arrow_to(self, top: float) -> None:
        if self.pending is not None:
            bottom, lines = self.pending
            middle = self.left + self.block_width / 2
            self.layout.arrows.append(Arrow(((middle, bottom), (middle, top)), lines))

    def finish(self) -> Layout:
        """Add the arrow after the last block."""
        self.y += GAP
        self._arrow_to(self.y)
        self.layout.height = max(self.y, self.networks_end) + PAD
        return self.layout


def lay_out(root: Node) -> Layout:
    """Return the places of a block and all in it."""
    builder = _Builder(root)
    builder.place(root, 0)
    return builder.finish()


def text_width(text: str) -> float:
    """Return the width of a line of text, in pixels."""
    return len(text) * LETTER


def _height(lines: int) -> float:
    return lines * LINE + PAD


def _depth(node: Node) -> int:
    return 1 + max(map(_depth, node.inner)) if node.inner else 0


def _titles(node: Node, level: int) -> Iterator[tuple[str, int]]:
    """Yield the title of each block with inner ones, and the number of blocks around it."""
    if node.inner:
        yield node.title, level
        for inner in node.inner:
            yield from _titles(inner, level + 1)
