"""The part of a voice that draws its stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxstack.display import Displayed

if TYPE_CHECKING:
    from voxstack.blocks import StreamableBlock
    from voxstack.streaming.tracing import Trace
    from voxstack_voice.display.stack_graph import Graph


class Graphed(Displayed):
    """A voice with a stack that can be drawn; a notebook shows it."""

    name: str
    block: StreamableBlock

    def graph(self, trace: Trace | None = None) -> Graph:
        """Return the stack as a graph: what flows between blocks, and networks with their contexts.

        Its ``str`` is Mermaid text; ``graph.svg()`` is a picture, which a notebook shows.

        :param trace: of a stream of this voice: the graph shows the times that it measured.
        """
        from voxstack_voice.display.stack_graph import graph

        return graph(self.block, trace=trace, title=self.name)
