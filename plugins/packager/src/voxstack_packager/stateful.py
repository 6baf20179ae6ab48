"""The stateful form of a network: the same graph with state in and state out, made of its ONNX export.

Each operator that looks at neighbours along the stream gets a history: what it saw last, kept as a state from call to call,
and zeros before the first. It then runs without padding over ``[history ; new steps]``, and behind the last steps of a stream
over the zeros that its padding had there. So every step goes through every layer once, and joined calls give what the plain
network gives for the whole. Where branches of different delay meet, the earlier one waits in a history of its own.
Histories are as long as they come: nothing in the graph knows where in the stream it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from voxstack.networks import Tensor
from voxstack_packager.errors import PackagingError
from voxstack_packager.measure import MakeExamples
from voxstack_packager.signature import Signed
from voxstack_packager.tracing import Trace

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

END = np.iinfo(np.int64).max
"""Where a ``Slice`` ends that has no end."""


class StatefulForm(NamedTuple):
    """A graph with state, and what addon.json says of it."""

    model: ModelProto
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    streaming: dict[str, Any]


@dataclass(frozen=True)
class Steps:
    """A tensor with new steps of the stream: once n steps have come in, n - ``delay`` of it are out, and all at the end.

    :param like: a tensor of the plain graph that has the same shape but for the steps.
    """

    name: str
    like: str
    delay: int


@dataclass(frozen=True)
class Fixed:
    """A tensor that is the same in every call, with one step where the plain graph has many."""

    name: str


@dataclass(frozen=True)
class Padded:
    """Steps with zeros around the whole stream, of which only windows are ever made."""

    source: Steps
    left: int
    right: int


Operand = Steps | Fixed | Padded


def stateful_form(
    model: ModelProto, signed: Signed, examples: MakeExamples, axis: str, where: str, stream_input: str | None = None
) -> StatefulForm:
    """Make the stateful form of an ONNX export whose masks, if it has some, mark padding only.

    Convolutions of stride 1, constant padding, and everything that treats each step alike can be carried over; mask inputs
    drop out, as a stream has no padding.

    :param model: the export; its weights may be shared with the form, as they keep their names.
    :param signed: its inputs and outputs; ``examples`` makes inputs of given sizes.
    :param axis: the axis that is the stream.
    :param where: what to call the network in errors.
    :raises PackagingError: naming the operator that mixes steps in another way, with which the network stays windowed.
    """
    from voxstack_packager.operators import handle

    form = Building(model, Trace(model, signed, examples, axis), signed, axis, where)
    for node in model.graph.node:
        if form.follows(node.output):
            handle(form, node)
    return form.finished(stream_input)


class Building:
    """A stateful graph while it is made, node by node, in the order of the plain one."""

    def __init__(self, model: ModelProto, trace: Trace, signed: Signed, axis: str, where: str) -> None:
        self.trace = trace
        self._model, self._signed, self._axis, self._where = model, signed, axis, where
        self._nodes: list[NodeProto] = []
        self._constants: dict[str, Any] = {}
        self._weights = {tensor.name: tensor for tensor in model.graph.initializer}
        self._makers = {name: node for node in model.graph.node for name in node.output if name}
        self._streamed, self._pure = _reached(model, {name for name, tensor in signed.inputs.items() if not tensor.mask})
        self._operands: dict[str, Operand] = {}
        self._joined: dict[tuple[str, int, int], str] = {}
        self._waiting: dict[tuple[str, int], Steps] = {}
        self._shared: dict[object, str] = {}
        self._states: dict[str, tuple[str, Tensor, Tensor, int]] = {}
        self._end = "end" if "end" not in signed.inputs else "stream_end"
        self._ends = False
        self._count = 0
        for name, tensor in signed.inputs.items():
            if not tensor.mask:
                self._operands[name] = Steps(name, name, 0) if axis in tensor.shape else Fixed(name)

    def follows(self, names: Any) -> bool:
        """Whether tensors of the plain graph depend on what the inputs hold, and not on their sizes and masks alone."""
        return any(name in self._streamed for name in names)

    def refusal(self, node: NodeProto, why: str) -> PackagingError:
        """The error for an operator that cannot be carried over."""
        what = f"{node.op_type} {node.name or node.output[0]!r} {why}"
        return PackagingError(self._where, f"has no stateful form: {what}. Leave 'stateful' out, and it streams in windows")

    def operand(self, name: str) -> Operand:
        """What stands for a tensor of the plain graph.

        :raises PackagingError: if it depends on how long the stream is.
        """
        if name in self._operands:
            return self._operands[name]
        if name in self._streamed:
            raise PackagingError(self._where, f"has no stateful form: nothing was made of the tensor {name!r}")
        made = self._operands[name] = Fixed(self._independent(name))
        return made

    def put(self, name: str, operand: Operand) -> None:
        """Say what stands for a tensor of the plain graph."""
        self._operands[name] = operand

    def value(self, name: str) -> np.ndarray | None:
        """The value of a tensor that no input and no length changes, with one step and one row; None for others."""
        return None if self.follows([name]) else self.trace.uniform(name)

    def constant(self, value: Any, dtype: str = "int64") -> str:
        """A constant in the graph; equal ones are one."""
        from onnx import numpy_helper

        array = np.asarray(value, dtype)
        key = (array.tobytes(), array.shape, dtype)
        if key not in self._shared:
            self._shared[key] = name = self._new("constant")
            self._constants[name] = numpy_helper.from_array(array, name)
        return self._shared[key]

    def add(self, kind: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        """Add an operator with one output, and return the name of that."""
        from onnx import helper

        made = output or self._new(kind.lower())
        self._nodes.append(helper.make_node(kind, inputs, [made], name=f"{made}.{kind.lower()}", **attributes))
        return made

    def copy(self, node: NodeProto, inputs: list[str]) -> NodeProto:
        """Add a copy of an operator with other inputs, and return it."""
        made = type(node)()
        made.CopyFrom(node)
        del made.input[:]
        made.input.extend(inputs)
        self._nodes.append(made)
        return made

    def joined(self, source: Steps, left: int, right: int) -> str:
        """``[history ; new steps ; at the end zeros]``: what windows of ``left`` + 1 + ``right`` steps are taken from.

        It is ``left + right`` steps longer than what windows make of it, which is ``right`` steps later than the source.
        """
        key = (source.name, left, right)
        if key not in self._joined:
            axis = self._axis_of(source)
            state, following = self._state(source, left)
            parts = [state, source.name, *([self._tail(source, right)] if right else [])]
            self._joined[key] = whole = self.add("Concat", parts, axis=axis)
            self.slice(whole, {axis: (-(left + right), END)}, following)
        return self._joined[key]

    def slice(self, name: str, cuts: dict[int, tuple[int, int]], output: str | None = None) -> str:
        """``name[start:end]`` along axes."""
        starts, ends = ([cut[side] for cut in cuts.values()] for side in (0, 1))
        return self.add("Slice", [name, *map(self.constant, (starts, ends, list(cuts)))], output)

    def later(self, source: Steps, delay: int) -> Steps:
        """The same steps, out as late as others are."""
        if source.delay == delay:
            return source
        key = (source.name, delay)
        if key not in self._waiting:
            wait, axis = delay - source.delay, self._axis_of(source)
            left = next((one for name, one, right in self._joined if name == source.name and right == wait), None)
            if left is not None:  # a history that is there for windows holds what waits, too
                name = self.slice(self._joined[source.name, left, wait], {axis: (left, -wait)})
            else:
                name = self._wait(source, wait, axis)
            self._waiting[key] = Steps(name, source.like, delay)
        return self._waiting[key]

    def spread(self, fixed: Fixed, like: Steps, shape_of: str) -> str:
        """A fixed tensor with as many steps and rows as another, which has the axes of ``shape_of``."""
        time, batch = self.trace.time(shape_of), self.trace.batch(shape_of)
        sizes = [
            self.add("Shape", [like.name], start=i, end=i + 1) if i in (time, batch) else self.constant([size])
            for i, size in enumerate(self.trace.shape(shape_of))
        ]
        return self.add("Expand", [fixed.name, self.add("Concat", sizes, axis=0)])

    def finished(self, stream_input: str | None) -> StatefulForm:
        """The whole form.

        :raises PackagingError: if nothing in it looks at neighbours, or an output has no steps.
        """
        import onnx
        from onnx import helper

        if not self._states:
            raise PackagingError(self._where, "has no stateful form: no step sees another, so windows cost nothing; leave 'stateful' out")
        outputs = {name: self.operand(name) for name in self._signed.outputs}
        fixed = [name for name, made in outputs.items() if not isinstance(made, Steps)]
        if fixed:
            raise PackagingError(
                self._where, f"has no stateful form: the outputs {fixed} do not follow {self._axis!r}; leave 'stateful' out"
            )
        right = max(made.delay for made in outputs.values() if isinstance(made, Steps))
        for name, made in outputs.items():
            assert isinstance(made, Steps)
            ready = self.later(made, right).name
            if ready != name:
                self.add("Identity", [ready], name)
        given = {name: tensor for name, tensor in self._signed.inputs.items() if not tensor.mask}
        given |= {name: before for name, (_, before, _, _) in self._states.items()}
        given |= {self._end: Tensor("int64", (1,))} if self._ends else {}
        made_of = {name: self._renamed(tensor, right) for name, tensor in self._signed.outputs.items()}
        made_of |= {following: after for following, _, after, _ in self._states.values()}
        sides = ([_value_info(name, tensor) for name, tensor in side.items()] for side in (given, made_of))
        graph = helper.make_graph(self._nodes, "stateful", *sides, [*self._constants.values()])
        model = helper.make_model(graph, opset_imports=self._model.opset_import, ir_version=self._model.ir_version)
        onnx.checker.check_model(model)
        streaming: dict[str, Any] = {"axis": self._axis, "right": right, "hop": 1}
        streaming |= {"input": stream_input} if stream_input else {}
        streaming["states"] = {name: {"next": following, "steps": steps} for name, (following, _, _, steps) in self._states.items()}
        return StatefulForm(model, given, made_of, streaming | ({"end": self._end} if self._ends else {}))

    def _renamed(self, tensor: Tensor, right: int) -> Tensor:
        """An output, whose axis has another name where it has other lengths than the input."""
        new = f"{self._axis}_out"
        return tensor if not right else Tensor(tensor.dtype, tuple(new if axis == self._axis else axis for axis in tensor.shape))

    def _new(self, what: str) -> str:
        self._count += 1
        return f"stateful.{self._count}.{what}"

    def _axis_of(self, source: Steps) -> int:
        axis = self.trace.time(source.like)
        assert axis is not None, "steps have a time axis"
        return axis

    def _independent(self, name: str) -> str:
        """Bring a tensor into the graph that depends on no data."""
        if name in self._weights:
            self._constants[name] = self._weights[name]
        elif name in self._pure:
            node = self._makers[name]
            self.copy(node, [self.operand(one).name if one else "" for one in node.input])  # type: ignore[union-attr]
            for other in node.output:
                self._operands[other] = Fixed(other)
        else:
            value = self.trace.uniform(name)
            if value is None:
                raise PackagingError(
                    self._where,
                    f"has no stateful form: the tensor {name!r} tells how long the input is, or where a step is, which nothing knows "
                    "in a stream. Leave 'stateful' out, and it streams in windows",
                )
            return self.constant(value, str(value.dtype))
        return name

    def _state(self, source: Steps, steps: int) -> tuple[str, str]:
        """A new state with the shape of ``source``: its input, and the output that it is next."""
        name = f"state_{len(self._states)}"
        following, axis, batch = f"{name}_next", self._axis_of(source), self.trace.batch(source.like)
        dtype, shape = str(self.trace.values(source.like)[0].dtype), self.trace.shape(source.like)
        before, after = (
            Tensor(dtype, tuple(f"{one}_steps" if i == axis else "batch" if i == batch else size for i, size in enumerate(shape)))
            for one in (name, following)
        )
        self._states[name] = (following, before, after, steps)
        return name, following

    def _tail(self, source: Steps, steps: int) -> str:
        """Zeros that follow the stream: ``steps`` of them in the last call, and none before."""
        from onnx import numpy_helper

        axis, batch, shape = self._axis_of(source), self.trace.batch(source.like), self.trace.shape(source.like)
        zero = np.zeros(1, self.trace.values(source.like)[0].dtype)
        key = ("tail", steps, axis, batch, tuple(size for i, size in enumerate(shape) if i not in (axis, batch)), zero.dtype)
        if key not in self._shared:
            self._ends = True
            count = self.add("Mul", [self._end, self.constant([steps])])
            sizes = [
                count if i == axis else self.add("Shape", [source.name], start=i, end=i + 1) if i == batch else self.constant([size])
                for i, size in enumerate(shape)
            ]
            whole = self.add("Concat", sizes, axis=0)
            self._shared[key] = self.add("ConstantOfShape", [whole], value=numpy_helper.from_array(zero))
        return self._shared[key]

    def _wait(self, source: Steps, wait: int, axis: int) -> str:
        """Keep the last ``wait`` steps back until the next call, or let all go in the last one."""
        key = ("cut", wait)
        if key not in self._shared:
            self._ends = True
            over = self.add("Cast", [self._end], to=9)  # bool
            self._shared[key] = self.add("Where", [over, self.constant([END]), self.constant([-wait])])
        cut, axes = self._shared[key], self.constant([axis])
        state, following = self._state(source, 0)
        whole = self.add("Concat", [state, source.name], axis=axis)
        self.add("Slice", [whole, cut, self.constant([END]), axes], following)
        return self.add("Slice", [whole, self.constant([0]), cut, axes])


def _reached(model: ModelProto, inputs: set[str]) -> tuple[set[str], set[str]]:
    """Tensors that depend on the data of these inputs; and those that depend on weights alone. Sizes are no data."""
    streamed, pure = set(inputs), {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type not in ("Shape", "Size") and any(name in streamed for name in node.input):
            streamed.update(node.output)
        elif all(name in pure for name in node.input if name):
            pure.update(node.output)
    return streamed, pure


def _value_info(name: str, tensor: Tensor) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(tensor.dtype)), list(tensor.shape))
