"""Graphs of stacks: blocks, what flows between them, and their networks with contexts and times."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxstack.blocks import Block
from voxstack.errors import RequestError
from voxstack.streaming.tracing import Trace
from voxstack_voice.display.nodes import Node, node_of

if TYPE_CHECKING:
    from voxstack_voice.display.layout import Layout


@dataclass(frozen=True)
class Graph:
    """The graph of a block: its ``str`` is Mermaid text, and a notebook shows it as a picture."""

    title: str
    root: Node

    @functools.cached_property
    def layout(self) -> Layout:
        """The boxes and arrows, in pixels."""
        from voxstack_voice.display.layout import lay_out

        return lay_out(self.root)

    def mermaid(self) -> str:
        """Return the graph as Mermaid text."""
        from voxstack_voice.display.mermaid import mermaid_of

        return mermaid_of(self.root)

    def svg(self) -> str:
        """Return the graph as SVG."""
        from voxstack_voice.display.svg import svg_of

        return svg_of(self.layout, f"the stack of {self.title}")

    def save(self, path: str | Path) -> None:
        """Write the graph as an SVG file, or as Mermaid text in a ``.mmd`` or ``.md`` file.

        :raises RequestError: for another extension, or if the file cannot be written.
        """
        from voxstack_voice.audio.complete_file import write_complete_file

        kind, mermaid = Path(path).suffix.lower(), self.mermaid()
        texts = {".svg": self.svg(), ".mmd": mermaid, ".md": f"```mermaid\n{mermaid}```\n"}
        if kind not in texts:
            others = "; for a .png, use voxstack plot stack"
            raise RequestError(f"cannot write {str(path)!r}: a graph is a .svg, .mmd or .md file{others}")
        write_complete_file(Path(path), texts[kind].encode())

    def __str__(self) -> str:
        return self.mermaid()

    def __repr__(self) -> str:
        return f"<graph of {self.title}: {sum(1 for _ in self.root.leaves())} blocks>"

    def _repr_svg_(self) -> str:
        return self.svg()


def graph(thing: Any, *, trace: Trace | None = None, title: str = "") -> Graph:
    """Return the graph of a block, or of the stack of a voice.

    :param trace: of one of its streams: the graph shows the times of blocks, and of networks if it is an
        ``EventTrace``.
    :param title: name of the graph.
    :raises RequestError: for anything else.
    """
    block = thing if isinstance(thing, Block) else getattr(thing, "block", None)
    if not isinstance(block, Block):
        raise RequestError(f"a graph shows a block or a voice, not a {type(thing).__name__}; load the voice first")
    return Graph(title or str(getattr(thing, "name", "") or type(block).__name__), node_of(block, trace))
