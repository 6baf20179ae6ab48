"""ONNX graphs that can be walked along their tensors, and cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack_packager import PackagingError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

RANDOM = frozenset({"RandomNormalLike", "RandomNormal", "RandomUniformLike", "RandomUniform"})
"""Operators that draw random numbers."""

Signature = Mapping[str, tuple[str, Sequence[str | int | None] | None]]
"""Dtype and axes of tensors by name; axes of None: any number of axes."""


class Graph:
    """An ONNX graph that can be walked along its tensors, which are identified by their names.

    :param model: the graph as it was exported; it is never changed.
    :param file: name of its file, for errors.
    :param prefix: put before the names of its tensors, so that they differ from the names that the networks of an addon
        use.
    """

    def __init__(self, model: ModelProto, file: str, prefix: str = "") -> None:
        self.model = _prefixed(model, prefix) if prefix else model
        self.file, self.prefix = file, prefix
        graph = self.model.graph
        self.weights = {tensor.name: tensor for tensor in graph.initializer}
        self.inputs = [value.name for value in graph.input if value.name not in self.weights]
        self.outputs = [value.name for value in graph.output]
        self.producers = {name: node for node in graph.node for name in node.output if name}
        self._inputs: dict[str, list[str]] = {}
        self._consumers: dict[str, list[NodeProto]] = {}
        for node in graph.node:
            names = node_inputs(node)
            self._inputs.update(dict.fromkeys(node.output, names))
            for name in names:
                self._consumers.setdefault(name, []).append(node)

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata that the exporting software wrote, by key."""
        return {entry.key: entry.value for entry in self.model.metadata_props}

    def refusal(self, problem: str) -> PackagingError:
        """Return the error that says what was looked for in this graph and not found."""
        return PackagingError(self.file, problem)

    def consumers(self, name: str) -> list[NodeProto]:
        """Return the operators that read a tensor."""
        return self._consumers.get(name, [])

    def only_consumer(self, name: str, description: str) -> NodeProto:
        """Return the one operator that reads a tensor.

        :param description: what the tensor is, for the error.
        :raises PackagingError: if there are several, or none.
        """
        consumers = self.consumers(name)
        if len(consumers) != 1:
            found = [node.op_type for node in consumers]
            raise self.refusal(f"{description}, {name!r}, is read by {found}; looked for one operator")
        return consumers[0]

    def dependents(self, *names: str) -> set[str]:
        """Return all tensors that depend on some of these, and these."""
        found, pending = set(names), list(names)
        while pending:
            for node in self.consumers(pending.pop()):
                pending += [name for name in node.output if name not in found]
                found.update(node.output)
        return found

    def dependencies(self, *names: str, stop: Iterable[str] = ()) -> set[str]:
        """Return all tensors that some of these depend on, and these; the search does not go beyond ``stop``."""
        found, pending, ends = set(names), list(names), set(stop)
        while pending:
            name = pending.pop()
            if name not in ends:
                new = [other for other in self._inputs.get(name, ()) if other not in found]
                found.update(new)
                pending += new
        return found

    def produced_by(self, operators: Iterable[str], among: set[str]) -> list[str]:
        """Return the tensors among these that operators of some types produce, in the order of the graph."""
        wanted = frozenset(operators)
        return [name for name, node in self.producers.items() if node.op_type in wanted and name in among]

    def constant(self, name: str) -> np.ndarray | None:
        """Return the value of a tensor that is a weight or a constant, else None."""
        from onnx import numpy_helper

        if name in self.weights:
            return numpy_helper.to_array(self.weights[name])
        node = self.producers.get(name)
        if node is None:
            return None
        if node.op_type in ("Identity", "Cast"):
            return self.constant(node.input[0])
        if node.op_type != "Constant":
            return None
        values = [attribute.t for attribute in node.attribute if attribute.name == "value"]
        return numpy_helper.to_array(values[0]) if values else None

    def subgraph(
        self,
        before: Sequence[NodeProto],
        after: Sequence[NodeProto],
        inputs: Signature,
        outputs: Signature,
        constants: Mapping[str, np.ndarray] | None = None,
    ) -> ModelProto:
        """Return the graph between the outputs of ``before`` and the inputs of ``after``, with these around it.

        :param before: operators that produce tensors of this graph, in place of the graph's own operators, from
            ``inputs`` or from other tensors of this graph.
        :param after: operators that produce ``outputs`` from its tensors.
        :param inputs: dtype and axes of each input; one with the name of a tensor of this graph replaces that tensor.
        :param constants: more tensors for the operators around it.
        :raises PackagingError: if something in between depends on an input of this graph that is not among ``inputs``.
        """
        from onnx import helper, numpy_helper

        around, constants = [*before, *after], constants or {}
        available = {*inputs, *constants, *(name for node in around for name in node.output)}
        ends = {name for node in around for name in node.input} | outputs.keys()
        needed = self.dependencies(*ends - available, stop=available)
        missing = sorted(needed & set(self.inputs) - available)
        if missing:
            problem = (
                f"the part that computes {sorted(outputs)} also depends on the inputs {missing}; it cannot be cut out"
            )
            raise self.refusal(problem)
        kept, used = [], {name for node in around for name in node_inputs(node)}
        for node in self.model.graph.node:
            computed = needed.intersection(node.output)
            if computed and available.isdisjoint(node.output):
                kept.append(node)
                used.update(self._inputs[computed.pop()])
        weights = [tensor for name, tensor in self.weights.items() if name in used and name not in available]
        weights += [numpy_helper.from_array(value, name) for name, value in constants.items()]
        nodes = topological_order([*before, *kept, *after], {*inputs, *(tensor.name for tensor in weights)})
        graph = helper.make_graph(nodes, "part", _values(inputs), _values(outputs), weights)
        model = helper.make_model(graph, opset_imports=list(self.model.opset_import))
        model.ir_version = self.model.ir_version
        return model


def topological_order(nodes: Sequence[NodeProto], available: Iterable[str]) -> list[NodeProto]:
    """Return operators in an order in which each finds its inputs.

    :param available: tensors that no operator produces.
    """
    known, ordered = set(available), []
    waiting = [(node, node_inputs(node)) for node in nodes]
    while waiting:
        later = []
        for node, inputs in waiting:
            if known.issuperset(inputs):
                ordered.append(node)
                known.update(node.output)
            else:
                later.append((node, inputs))
        assert len(later) < len(waiting), "a part of a graph has no cycle"
        waiting = later
    return ordered


def node_inputs(node: NodeProto) -> list[str]:
    """Return the tensors that an operator reads: its inputs, and what its inner graphs read from the outer one."""
    names = [name for name in node.input if name]
    for inner in _inner_graphs(node):
        own = {value.name for value in (*inner.input, *inner.initializer)}
        own.update(name for inner_node in inner.node for name in inner_node.output)
        used = [name for inner_node in inner.node for name in node_inputs(inner_node)]
        used += [value.name for value in inner.output]
        names += [name for name in used if name not in own]
    return names


def _inner_graphs(node: NodeProto) -> Iterator[GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _prefixed(model: ModelProto, prefix: str) -> ModelProto:
    """Return a copy whose tensors have a prefix to their names."""
    from onnx import ModelProto

    copy = ModelProto()
    copy.CopyFrom(model)
    _add_prefix(copy.graph, prefix)
    return copy


def _add_prefix(graph: GraphProto, prefix: str) -> None:
    for named in (*graph.input, *graph.output, *graph.initializer):
        named.name = prefix + named.name
    for node in graph.node:
        node.input[:] = [name and prefix + name for name in node.input]
        node.output[:] = [name and prefix + name for name in node.output]
        for inner in _inner_graphs(node):
            _add_prefix(inner, prefix)
    del graph.value_info[:]


def _values(signature: Signature) -> list[ValueInfoProto]:
    from onnx import helper

    return [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), None if axes is None else list(axes)
        )
        for name, (dtype, axes) in signature.items()
    ]


def operator(kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> NodeProto:
    """Return an operator with one output."""
    from onnx import helper

    return helper.make_node(kind, list(inputs), [output], **attributes)
