"""States of a stateful graph: past steps, zeros after the end of the stream, and steps that wait for later ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from voxstack.networks import Tensor
from voxstack_packager.stateful.graph_trace import GraphTrace
from voxstack_packager.stateful.graph_writer import END, GraphWriter
from voxstack_packager.stateful.operands import StreamTensor

if TYPE_CHECKING:
    from onnx import NodeProto


class HistoryState(NamedTuple):
    """A state: the output that becomes its next value, both as tensors, and its steps before the first call.

    The steps are None for a state of fixed size.
    """

    next: str
    before: Tensor
    after: Tensor
    steps: int | None


class Histories:
    """Adds states to a graph, and the tensors that are computed from them.

    :param end: name of the input that is 1 in the last call of a stream, and 0 before.
    """

    def __init__(self, graph: GraphWriter, trace: GraphTrace, end: str) -> None:
        self.states: dict[str, HistoryState] = {}
        self.end = end
        self.uses_end = False
        """Whether any tensor depends on the input ``end``."""
        self._graph, self._trace = graph, trace
        self._joined: dict[tuple[str, int, int], str] = {}
        self._delayed: dict[tuple[str, int], str] = {}
        self._shared: dict[object, str] = {}
        self._sources: dict[str, tuple[NodeProto, StreamTensor, list[str]]] = {}

    def record_source(self, node: NodeProto, source: StreamTensor, others: list[str]) -> None:
        """Record that an operator computes each step from that of ``source`` alone, and 0 from 0.

        A history of its output is then computed from the history of ``source``, from which steps that wait are taken,
        too: in a residual connection, one history serves both.

        :param others: its other inputs, which do not change.
        """
        self._sources[node.output[0]] = (node, source, others)

    def join(self, source: StreamTensor, left: int, right: int) -> StreamTensor:
        """Return ``[history ; new steps ; zeros at the end]``, from which windows are taken.

        It is ``left + right`` steps longer than the windows of ``left`` + 1 + ``right`` steps that it contains; their
        output is ``right`` steps later than ``source``.
        """
        key = (source.name, left, right)
        if key not in self._joined and source.name in self._sources:
            node, origin, others = self._sources[source.name]
            copied = self._graph.copy(node, [self.join(origin, left, right).name, *others])
            copied.name = copied.output[0] = self._joined[key] = self._graph.new_name(node.op_type.lower())
        elif key not in self._joined:
            axis = self._time_axis(source)
            state, following = self._add_state(source, left)
            parts = [state, source.name, *([self.end_padding(source, right)] if right else [])]
            self._joined[key] = whole = self._graph.add("Concat", parts, axis=axis)
            self._graph.slice(whole, {axis: (-(left + right), END)}, following)
        return replace(source, name=self._joined[key])

    def delay(self, source: StreamTensor, delay: int) -> StreamTensor:
        """Return the same steps, output as late as those with this delay."""
        if source.delay == delay:
            return source
        key = (source.name, delay)
        if key not in self._delayed:
            wait, axis = delay - source.delay, self._time_axis(source)
            left = next((left for name, left, right in self._joined if name == source.name and right == wait), None)
            if left is not None:  # the history of a convolution also contains the steps that wait
                name = self._graph.slice(self._joined[source.name, left, wait], {axis: (left, -wait)})
            else:
                name = self._add_delay_line(source, wait, axis)
            self._delayed[key] = name
        return replace(source, name=self._delayed[key], delay=delay)

    def add_state(self, tensor: Tensor) -> tuple[str, str]:
        """Add a state of fixed size; return its input, and the output that becomes its next value."""
        name = f"state_{len(self.states)}"
        self.states[name] = HistoryState(f"{name}_next", tensor, tensor, None)
        return name, f"{name}_next"

    def begun(self, source: StreamTensor, batch: int) -> str:
        """Return a tensor, (batch, 1), that is 0 in the first call of a stream, and 1 after.

        :param batch: position of the batch in ``source``.
        """
        if "begun" not in self._shared:
            name, following = self.add_state(Tensor("float32", ("batch", 1)))
            rows = self._graph.add("Shape", [source.name], start=batch, end=batch + 1)
            shape = self._graph.add("Concat", [rows, self._graph.constant([1])], axis=0)
            self._graph.add("Expand", [self._graph.constant([[1.0]], "float32"), shape], following)
            self._shared["begun"] = name
        return self._shared["begun"]

    def _add_state(self, source: StreamTensor, steps: int) -> tuple[str, str]:
        """Add a state with the shape of ``source``; return its input, and the output that becomes its next value."""
        name = f"state_{len(self.states)}"
        following, axis, batch = f"{name}_next", self._time_axis(source), self._batch_axis(source)
        dtype, shape = str(self._trace.first(source.plain).dtype), self._shape(source)
        before, after = (
            Tensor(
                dtype,
                tuple(
                    f"{side}_steps" if i == axis else "batch" if i == batch else size for i, size in enumerate(shape)
                ),
            )
            for side in (name, following)
        )
        self.states[name] = HistoryState(following, before, after, steps)
        return name, following

    def end_padding(self, source: StreamTensor, steps: int) -> str:
        """Return zeros that follow the stream: ``steps`` of them in the last call, and none before."""
        from onnx import numpy_helper

        axis, batch, shape = self._time_axis(source), self._batch_axis(source), self._shape(source)
        zero = np.zeros(1, self._trace.first(source.plain).dtype)
        other_sizes = tuple(size for i, size in enumerate(shape) if i not in (axis, batch))
        key = ("end padding", steps, axis, batch, other_sizes, zero.dtype)
        if key not in self._shared:
            self.uses_end = True
            count = self._graph.add("Mul", [self.end, self._graph.constant([steps])])
            sizes = [count if i == axis else self._graph.constant([size]) for i, size in enumerate(shape)]
            if batch is not None:
                sizes[batch] = self._graph.add("Shape", [source.name], start=batch, end=batch + 1)
            whole = self._graph.add("Concat", sizes, axis=0)
            self._shared[key] = self._graph.add("ConstantOfShape", [whole], value=numpy_helper.from_array(zero))
        return self._shared[key]

    def _add_delay_line(self, source: StreamTensor, wait: int, axis: int) -> str:
        """Hold the last ``wait`` steps back until the next call; output all of them in the last call."""
        key = ("cut", wait)
        if key not in self._shared:
            self.uses_end = True
            is_last = self._graph.add("Cast", [self.end], to=9)  # bool
            choices = [self._graph.constant([END]), self._graph.constant([-wait])]
            self._shared[key] = self._graph.add("Where", [is_last, *choices])
        cut, axes = self._shared[key], self._graph.constant([axis])
        state, following = self._add_state(source, 0)
        whole = self._graph.add("Concat", [state, source.name], axis=axis)
        self._graph.add("Slice", [whole, cut, self._graph.constant([END]), axes], following)
        return self._graph.add("Slice", [whole, self._graph.constant([0]), cut, axes])

    def _time_axis(self, source: StreamTensor) -> int:
        axis = self._trace.time_axis(source.plain)
        assert axis is not None, "a stream has a time axis"
        return source.axis(axis)

    def _batch_axis(self, source: StreamTensor) -> int | None:
        batch = self._trace.batch_axis(source.plain)
        return None if batch is None else source.axis(batch)

    def _shape(self, source: StreamTensor) -> tuple[int, ...]:
        shape = self._trace.shape(source.plain)
        return tuple(shape[source.permutation.index(i)] for i in range(len(shape))) if source.permutation else shape
