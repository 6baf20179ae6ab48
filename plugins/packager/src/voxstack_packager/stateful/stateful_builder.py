"""A stateful graph that is being built from a plain one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from voxstack.networks import Tensor
from voxstack_packager.errors import NoStatefulForm
from voxstack_packager.signature import SignatureLike
from voxstack_packager.stateful.graph_trace import GraphTrace, data_dependence
from voxstack_packager.stateful.graph_writer import GraphWriter
from voxstack_packager.stateful.histories import Histories, HistoryState
from voxstack_packager.stateful.operands import Operand, StaticTensor, StreamTensor

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


class StatefulForm(NamedTuple):
    """A graph with states, its inputs and outputs, and its ``streaming`` in addon.json."""

    model: ModelProto
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    streaming: dict[str, Any]


class StatefulBuilder:
    """Builds a stateful graph, operator by operator, in the order of the plain one.

    :param trace: shapes and values of the tensors of the plain graph.
    :param axis: the axis that is the stream.
    :param where: name of the network in errors.
    :param late: whether the output will be late, so that the last call may have no new steps.
    """

    def __init__(
        self,
        model: ModelProto,
        trace: GraphTrace,
        signature: SignatureLike,
        axis: str,
        where: str,
        late: bool = False,
    ) -> None:
        self.late = late
        self.trace, self.graph = trace, GraphWriter()
        self.histories = Histories(self.graph, trace, "end" if "end" not in signature.inputs else "stream_end")
        self._model, self._signature, self._axis, self._where = model, signature, axis, where
        self._weights = {tensor.name: tensor for tensor in model.graph.initializer}
        self._nodes = {name: node for node in model.graph.node for name in node.output if name}
        inputs = {name: tensor for name, tensor in signature.inputs.items() if not tensor.mask}
        self._data_dependent, self._weight_dependent = data_dependence(model, inputs.keys())
        self._operands: dict[str, Operand] = {
            name: StreamTensor(name, name, 0) if axis in tensor.shape else StaticTensor(name)
            for name, tensor in inputs.items()
        }
        self._transposed: dict[tuple[str, tuple[int, ...]], str] = {}
        self._undelayed: list[tuple[str, int]] = []

    def depends_on_data(self, names: Iterable[str]) -> bool:
        """Return whether any of these plain tensors depends on the data of inputs, not on sizes and masks alone."""
        return any(name in self._data_dependent for name in names)

    def readers(self, name: str) -> int:
        """Return how many operators of the plain graph read a tensor."""
        return sum(name in node.input for node in self._model.graph.node)

    def is_read(self, name: str) -> bool:
        """Return whether an operator of the plain graph, or its caller, reads a tensor."""
        return bool(name) and (name in self._signature.outputs or self.readers(name) > 0)

    def refusal(self, node: NodeProto, why: str) -> NoStatefulForm:
        """Return the error for an operator that cannot be converted."""
        return NoStatefulForm(self._where, f"{node.op_type} {node.name or node.output[0]!r} {why}")

    def operand(self, name: str) -> Operand:
        """Return the counterpart of a plain tensor.

        :raises NoStatefulForm: if the tensor depends on the length of the stream.
        """
        if name not in self._operands:
            assert name not in self._data_dependent, "operators come in their order"
            self._operands[name] = StaticTensor(self._add_static(name))
        return self._operands[name]

    def set_operand(self, name: str, operand: Operand) -> None:
        """Set the counterpart of a plain tensor."""
        self._operands[name] = operand

    def static_value(self, name: str) -> np.ndarray | None:
        """Return the value, with one step and one row, of a tensor that no input and no length changes; else None."""
        return None if self.depends_on_data([name]) else self.trace.uniform_value(name)

    def transpose(self, stream: StreamTensor) -> StreamTensor:
        """Return the stream with its pending permutation applied: its axes in the order of the plain graph."""
        if not stream.permutation:
            return stream
        key = (stream.name, stream.permutation)
        if key not in self._transposed:
            self._transposed[key] = self.graph.add("Transpose", [stream.name], perm=stream.permutation)
        return replace(stream, name=self._transposed[key], permutation=())

    def transpose_static(self, static: StaticTensor, rank: int, permutation: tuple[int, ...]) -> StaticTensor:
        """Return a static tensor of ``rank`` axes with its axes as in a stream with this pending permutation."""
        if not rank:
            return static
        missing = list(range(len(permutation) - rank))
        name = self.graph.add("Unsqueeze", [static.name, self.graph.constant(missing)]) if missing else static.name
        return StaticTensor(self.graph.add("Transpose", [name], perm=np.argsort(permutation).tolist()))

    def expand_static(self, static: StaticTensor, stream: StreamTensor, plain: str) -> str:
        """Return a static tensor repeated to the steps and rows of a stream without pending permutation.

        :param plain: the tensor of the plain graph whose axes it has.
        """
        time, batch = self.trace.time_axis(plain), self.trace.batch_axis(plain)
        sizes = [
            self.graph.add("Shape", [stream.name], start=i, end=i + 1)
            if i in (time, batch)
            else self.graph.constant([size])
            for i, size in enumerate(self.trace.shape(plain))
        ]
        return self.graph.add("Expand", [static.name, self.graph.add("Concat", sizes, axis=0)])

    def record_undelayed(self, name: str, spatial_axis: int) -> None:
        """Record the output of a convolution that is as early as the input, so that a last call may leave it empty."""
        self._undelayed.append((name, spatial_axis))

    def build(self, stream_input: str | None) -> StatefulForm:
        """Return the stateful form.

        :param stream_input: the input that is the stream, where several have that axis.
        :raises NoStatefulForm: if no operator reads neighbouring steps, or an output has no steps.
        """
        states = self.histories.states
        if not states:
            raise NoStatefulForm(self._where, "no step depends on another, so there is no state to carry")
        streams = self._output_streams()
        hop = self._hop(streams)
        right = max(-(-stream.delay // hop) for stream in streams.values())
        for name, spatial_axis in self._undelayed if right else ():
            self.graph.avoid_empty_output(name, spatial_axis)
        self.graph.name_outputs(
            {name: self.transpose(self.histories.delay(stream, right * hop)).name for name, stream in streams.items()}
        )
        inputs = {name: tensor for name, tensor in self._signature.inputs.items() if not tensor.mask}
        inputs |= {name: state.before for name, state in states.items()}
        inputs |= {self.histories.end: Tensor("int64", (1,))} if self.histories.uses_end else {}
        outputs = {name: self._output_tensor(tensor, right) for name, tensor in self._signature.outputs.items()}
        outputs |= {state.next: state.after for state in states.values()}
        model = self.graph.build(inputs, outputs, self._model)
        streaming: dict[str, Any] = {"axis": self._axis, "right": right, "hop": hop}
        streaming |= {"input": stream_input} if stream_input else {}
        streaming["states"] = {name: _state_entry(state) for name, state in states.items()}
        streaming |= {"end": self.histories.end} if self.histories.uses_end else {}
        return StatefulForm(model, inputs, outputs, streaming)

    def _output_streams(self) -> dict[str, StreamTensor]:
        operands = {name: self.operand(name) for name in self._signature.outputs}
        streams = {name: operand for name, operand in operands.items() if isinstance(operand, StreamTensor)}
        if len(streams) < len(operands):
            without = [name for name in operands if name not in streams]
            raise NoStatefulForm(self._where, f"the outputs {without} do not follow {self._axis!r}")
        return streams

    def _hop(self, streams: Mapping[str, StreamTensor]) -> int:
        """Return the steps of the outputs for each step of the input.

        :raises NoStatefulForm: if they differ.
        """
        hops = {name: self.trace.rate(stream.plain) for name, stream in streams.items()}
        if len(set(hops.values())) > 1:
            raise NoStatefulForm(self._where, f"the outputs differ in their steps for each input step: {hops}")
        return next(iter(hops.values()))

    def _output_tensor(self, tensor: Tensor, right: int) -> Tensor:
        """Return an output; its axis has another name where its length differs from that of the input."""
        if not right:
            return tensor
        renamed = f"{self._axis}_out"
        return Tensor(tensor.dtype, tuple(renamed if axis == self._axis else axis for axis in tensor.shape))

    def _add_static(self, name: str) -> str:
        """Add a plain tensor that depends on no data to the graph, and return its name there."""
        if name in self._weights:
            self.graph.add_constant(self._weights[name])
        elif name in self._weight_dependent:
            node = self._nodes[name]
            self.graph.copy(node, [self._static_name(source) if source else "" for source in node.input])
            for output in node.output:
                self._operands[output] = StaticTensor(output)
        else:
            value = self.trace.uniform_value(name)
            if value is None:
                why = "depends on the length of the input, or on the position of a step, which are unknown in a stream"
                raise NoStatefulForm(self._where, f"the tensor {name!r} {why}")
            return self.graph.constant(value, str(value.dtype))
        return name

    def _static_name(self, name: str) -> str:
        operand = self.operand(name)
        assert isinstance(operand, StaticTensor), "it depends on weights alone"
        return operand.name


def _state_entry(state: HistoryState) -> dict[str, Any]:
    return {"next": state.next, **({} if state.steps is None else {"steps": state.steps})}
