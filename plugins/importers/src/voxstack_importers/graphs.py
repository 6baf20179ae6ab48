"""Parts of ONNX graphs: where tensors come from, where they go, and the graph between some of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack_packager import PackagingError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

RANDOM = frozenset({"RandomNormalLike", "RandomNormal", "RandomUniformLike", "RandomUniform"})
"""Operators that draw numbers."""

Axes = Sequence[str | int | None] | None


class Graph:
    """An ONNX graph that can be walked along its tensors, which are told by their names."""

    def __init__(self, model: ModelProto, where: str) -> None:
        self.model, self.where = model, where
        self.weights = {tensor.name: tensor for tensor in model.graph.initializer}
        self.inputs = [value.name for value in model.graph.input if value.name not in self.weights]
        self.outputs = [value.name for value in model.graph.output]
        self.makers = {name: node for node in model.graph.node for name in node.output if name}
        self._users: dict[str, list[NodeProto]] = {}
        for node in model.graph.node:
            for name in taken(node):
                self._users.setdefault(name, []).append(node)

    def refused(self, problem: str) -> PackagingError:
        """The error that says what was looked for in this graph."""
        return PackagingError(self.where, problem)

    def users(self, name: str) -> list[NodeProto]:
        """What takes a tensor."""
        return self._users.get(name, [])

    def only_user(self, name: str, what: str) -> NodeProto:
        """The one operator that takes a tensor, which is ``what``.

        :raises PackagingError: if there are several, or none.
        """
        users = self.users(name)
        if len(users) != 1:
            raise self.refused(f"{what}, {name!r}, goes to {[user.op_type for user in users]}; looked for one operator")
        return users[0]

    def below(self, *names: str) -> set[str]:
        """All tensors that depend on some of these, and these."""
        found, todo = set(names), list(names)
        while todo:
            for node in self.users(todo.pop()):
                todo += [name for name in node.output if name not in found]
                found.update(node.output)
        return found

    def above(self, *names: str, stop: Iterable[str] = ()) -> set[str]:
        """All tensors that some of these depend on, and these; what is behind ``stop`` is not looked at."""
        found, todo, ends = set(names), list(names), set(stop)
        while todo:
            name = todo.pop()
            if name in self.makers and name not in ends:
                new = [one for one in taken(self.makers[name]) if one not in found]
                found.update(new)
                todo += new
        return found

    def constant(self, name: str) -> np.ndarray | None:
        """The value of a tensor that is a weight or a constant, else None."""
        from onnx import numpy_helper

        if name in self.weights:
            return numpy_helper.to_array(self.weights[name])
        node = self.makers.get(name)
        if (
            node is not None
            and node.op_type in ("Identity", "Cast")
            and (value := self.constant(node.input[0])) is not None
        ):
            return value
        tensors = [attribute.t for attribute in node.attribute if attribute.name == "value"] if node is not None else []
        return (
            numpy_helper.to_array(tensors[0]) if node is not None and node.op_type == "Constant" and tensors else None
        )

    def part(
        self,
        before: Sequence[NodeProto],
        after: Sequence[NodeProto],
        inputs: Mapping[str, tuple[str, Axes]],
        outputs: Mapping[str, tuple[str, Axes]],
        constants: Mapping[str, np.ndarray] | None = None,
    ) -> ModelProto:
        """The graph between what ``before`` gives and what ``after`` takes, with these operators around it.

        :param before: operators that make tensors of this graph, which then are not made by it, from ``inputs``, or from other tensors
            of this graph.
        :param after: operators that make ``outputs`` of its tensors.
        :param inputs: dtype and axes of each input; one that has the name of a tensor of this graph is that tensor.
        :param constants: more tensors for the operators around it.
        :raises PackagingError: if something in between depends on an input of this graph that is not given.
        """
        from onnx import helper, numpy_helper

        around, constants = [*before, *after], constants or {}
        given = {*inputs, *constants, *(name for node in around for name in node.output)}
        needed = self.above(*({name for node in around for name in node.input} | outputs.keys()) - given, stop=given)
        missing = sorted(needed & set(self.inputs) - given)
        if missing:
            raise self.refused(
                f"the part that makes {sorted(outputs)} also depends on the inputs {missing}; it cannot be cut out"
            )
        kept = [node for node in self.model.graph.node if needed & set(node.output) and not given & set(node.output)]
        used = {name for node in (*kept, *around) for name in taken(node)}
        weights = [tensor for name, tensor in self.weights.items() if name in used and name not in given]
        weights += [numpy_helper.from_array(value, name) for name, value in constants.items()]
        nodes = in_order([*before, *kept, *after], {*inputs, *(tensor.name for tensor in weights)})
        graph = helper.make_graph(nodes, "part", _values(inputs), _values(outputs), weights)
        model = helper.make_model(graph, opset_imports=list(self.model.opset_import))
        model.ir_version = self.model.ir_version
        return model


def in_order(nodes: Sequence[NodeProto], there: Iterable[str]) -> list[NodeProto]:
    """Operators in an order in which each finds its inputs; ``there``: tensors that no operator makes."""
    known, made, waiting = set(there), [], list(nodes)
    while waiting:
        later = []
        for node in waiting:
            if known.issuperset(taken(node)):
                made.append(node)
                known.update(node.output)
            else:
                later.append(node)
        assert len(later) < len(waiting), "a part of a graph has no ring"
        waiting = later
    return made


def taken(node: NodeProto) -> list[str]:
    """What an operator takes: its inputs, and what graphs inside of it take from around them."""
    names = [name for name in node.input if name]
    for inner in _graphs(node):
        own = {one.name for one in (*inner.input, *inner.initializer)} | {
            name for one in inner.node for name in one.output
        }
        used = [name for one in inner.node for name in taken(one)] + [one.name for one in inner.output]
        names += [name for name in used if name not in own]
    return names


def _graphs(node: NodeProto) -> list[GraphProto]:
    return [one.g for one in node.attribute if one.HasField("g")] + [
        graph for one in node.attribute for graph in one.graphs
    ]


def renamed(model: ModelProto, prefix: str) -> ModelProto:
    """A copy whose tensors have a prefix to their names, so that none is called what a network of an addon calls its own."""
    from onnx import ModelProto

    made = ModelProto()
    made.CopyFrom(model)
    _rename(made.graph, prefix)
    return made


def _rename(graph: GraphProto, prefix: str) -> None:
    for named in (*graph.input, *graph.output, *graph.initializer):
        named.name = prefix + named.name
    for node in graph.node:
        node.input[:] = [name and prefix + name for name in node.input]
        node.output[:] = [name and prefix + name for name in node.output]
        for inner in _graphs(node):
            _rename(inner, prefix)
    del graph.value_info[:]


def _values(named: Mapping[str, tuple[str, Axes]]) -> list[Any]:
    from onnx import helper

    types = {name: helper.np_dtype_to_tensor_dtype(np.dtype(dtype)) for name, (dtype, _) in named.items()}
    shapes = {name: None if axes is None else list(axes) for name, (_, axes) in named.items()}
    return [helper.make_tensor_value_info(name, types[name], shape) for name, shape in shapes.items()]
