"""Tensors of a stateful graph, as counterparts of the tensors of the plain one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StreamTensor:
    """A tensor with new steps of the stream.

    After n input steps, n times its rate - ``delay`` of its steps have been output, and all of them at the end; the
    rate (:meth:`.graph_trace.GraphTrace.rate`) is 1 up to the first upsampling.

    :param plain: a tensor of the plain graph that has the same shape except for the steps.
    :param permutation: a transposition that is still to be applied, if any: axis i of ``plain`` is axis
        ``permutation[i]`` of ``name``. Most are followed by another that undoes them, so a transposition is applied
        only where an operator needs it; joining and cutting along time work without it.
    """

    name: str
    plain: str
    delay: int
    permutation: tuple[int, ...] = ()

    def axis(self, plain_axis: int) -> int:
        """Return the position in ``name`` of an axis of ``plain``."""
        return self.permutation[plain_axis] if self.permutation else plain_axis


@dataclass(frozen=True)
class StaticTensor:
    """A tensor that is the same in every call, with one step where the plain graph has many."""

    name: str


@dataclass(frozen=True)
class PaddedStream:
    """A stream with zeros around the whole of it, of which only windows are ever computed."""

    source: StreamTensor
    left: int
    right: int


Unpadded = StreamTensor | StaticTensor
Operand = Unpadded | PaddedStream
