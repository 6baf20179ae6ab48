"""A stateful graph while it is made of a plain one: histories, and what waits for what."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from voxstack.networks import Tensor
from voxstack_packager.errors import NoStatefulForm
from voxstack_packager.graph import END, Graph
from voxstack_packager.operands import Fixed, Operand, Steps
from voxstack_packager.signature import Signed
from voxstack_packager.tracing import Trace, reached

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


class StatefulForm(NamedTuple):
    """A graph with state, and what addon.json says of it."""

    model: ModelProto
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    streaming: dict[str, Any]


class Building:
    """A stateful graph while it is made, node by node, in the order of the plain one."""

    def __init__(self, model: ModelProto, trace: Trace, signed: Signed, axis: str, where: str) -> None:
        self.trace, self.graph = trace, Graph()
        self._model, self._signed, self._axis, self._where = model, signed, axis, where
        self._weights = {tensor.name: tensor for tensor in model.graph.initializer}
        self._makers = {name: node for node in model.graph.node for name in node.output if name}
        self._streamed, self._pure = reached(model, {name for name, tensor in signed.inputs.items() if not tensor.mask})
        self._operands: dict[str, Operand] = {}
        self._joined: dict[tuple[str, int, int], str] = {}
        self._waiting: dict[tuple[str, int], str] = {}
        self._upright: dict[tuple[str, tuple[int, ...]], str] = {}
        self._shared: dict[object, str] = {}
        self._states: dict[str, tuple[str, Tensor, Tensor, int]] = {}
        self._end = "end" if "end" not in signed.inputs else "stream_end"
        self._ends = False
        self._early: list[tuple[str, int]] = []
        for name, tensor in signed.inputs.items():
            if not tensor.mask:
                self._operands[name] = Steps(name, name, 0) if axis in tensor.shape else Fixed(name)

    def follows(self, names: Any) -> bool:
        """Whether tensors of the plain graph depend on what the inputs hold, and not on their sizes and masks alone."""
        return any(name in self._streamed for name in names)

    def refusal(self, node: NodeProto, why: str) -> NoStatefulForm:
        """The error for an operator that cannot be carried over."""
        return NoStatefulForm(self._where, f"{node.op_type} {node.name or node.output[0]!r} {why}")

    def operand(self, name: str) -> Operand:
        """What stands for a tensor of the plain graph.

        :raises NoStatefulForm: if it depends on how long the stream is.
        """
        if name in self._operands:
            return self._operands[name]
        assert name not in self._streamed, "operators come in their order"
        made = self._operands[name] = Fixed(self._independent(name))
        return made

    def put(self, name: str, operand: Operand) -> None:
        """Say what stands for a tensor of the plain graph."""
        self._operands[name] = operand

    def value(self, name: str) -> np.ndarray | None:
        """The value of a tensor that no input and no length changes, with one step and one row; None for others."""
        return None if self.follows([name]) else self.trace.uniform(name)

    def upright(self, one: Steps) -> Steps:
        """The same steps, their axes in the order that they have in the plain graph."""
        if not one.turned:
            return one
        key = (one.name, one.turned)
        if key not in self._upright:
            self._upright[key] = self.graph.add("Transpose", [one.name], perm=one.turned)
        return replace(one, name=self._upright[key], turned=())

    def joined(self, source: Steps, left: int, right: int) -> Steps:
        """``[history ; new steps ; at the end zeros]``: what windows of ``left`` + 1 + ``right`` steps are taken from.

        It is ``left + right`` steps longer than what windows make of it, which is ``right`` steps later than the source.
        """
        key = (source.name, left, right)
        if key not in self._joined:
            axis = self._axis_of(source)
            state, following = self._state(source, left)
            parts = [state, source.name, *([self._tail(source, right)] if right else [])]
            self._joined[key] = whole = self.graph.add("Concat", parts, axis=axis)
            self.graph.slice(whole, {axis: (-(left + right), END)}, following)
        return replace(source, name=self._joined[key])

    def early(self, name: str, place: int) -> None:
        """Remember the output of a convolution along axis ``place`` + 2 that is as early as its input: in a last call there may be none."""
        self._early.append((name, place))

    def later(self, source: Steps, delay: int) -> Steps:
        """The same steps, out as late as others are."""
        if source.delay == delay:
            return source
        key = (source.name, delay)
        if key not in self._waiting:
            wait, axis = delay - source.delay, self._axis_of(source)
            left = next((one for name, one, right in self._joined if name == source.name and right == wait), None)
            if left is not None:  # a history that is there for windows holds what waits, too
                name = self.graph.slice(self._joined[source.name, left, wait], {axis: (left, -wait)})
            else:
                name = self._wait(source, wait, axis)
            self._waiting[key] = name
        return replace(source, name=self._waiting[key], delay=delay)

    def turned_back(self, fixed: Fixed, rank: int, turned: tuple[int, ...]) -> Fixed:
        """A fixed tensor of ``rank`` axes, as it meets steps that have still to be ``turned``."""
        if not rank:
            return fixed
        missing = list(range(len(turned) - rank))
        name = self.graph.add("Unsqueeze", [fixed.name, self.graph.constant(missing)]) if missing else fixed.name
        return Fixed(self.graph.add("Transpose", [name], perm=np.argsort(turned).tolist()))

    def spread(self, fixed: Fixed, like: Steps, shape_of: str) -> str:
        """A fixed tensor with as many steps and rows as another, which is upright and has the axes of ``shape_of``."""
        time, batch = self.trace.time(shape_of), self.trace.batch(shape_of)
        sizes = [
            self.graph.add("Shape", [like.name], start=i, end=i + 1)
            if i in (time, batch)
            else self.graph.constant([size])
            for i, size in enumerate(self.trace.shape(shape_of))
        ]
        return self.graph.add("Expand", [fixed.name, self.graph.add("Concat", sizes, axis=0)])

    def finished(self, stream_input: str | None) -> StatefulForm:
        """The whole form.

        :raises NoStatefulForm: if nothing in it looks at neighbours, or an output has no steps.
        """
        if not self._states:
            raise NoStatefulForm(self._where, "no step sees another, so there is nothing to carry")
        outputs = {name: self.operand(name) for name in self._signed.outputs}
        fixed = [name for name, made in outputs.items() if not isinstance(made, Steps)]
        if fixed:
            raise NoStatefulForm(self._where, f"the outputs {fixed} do not follow {self._axis!r}")
        right = max(made.delay for made in outputs.values() if isinstance(made, Steps))
        for name, place in self._early if right else ():
            self.graph.never_empty(name, place)
        self.graph.give(
            {
                name: self.upright(self.later(made, right)).name
                for name, made in outputs.items()
                if isinstance(made, Steps)
            }
        )
        given = {name: tensor for name, tensor in self._signed.inputs.items() if not tensor.mask}
        given |= {name: before for name, (_, before, _, _) in self._states.items()}
        given |= {self._end: Tensor("int64", (1,))} if self._ends else {}
        made_of = {name: self._renamed(tensor, right) for name, tensor in self._signed.outputs.items()}
        made_of |= {following: after for following, _, after, _ in self._states.values()}
        model = self.graph.model(given, made_of, self._model)
        streaming: dict[str, Any] = {"axis": self._axis, "right": right, "hop": 1}
        streaming |= {"input": stream_input} if stream_input else {}
        streaming["states"] = {
            name: {"next": following, "steps": steps} for name, (following, _, _, steps) in self._states.items()
        }
        return StatefulForm(model, given, made_of, streaming | ({"end": self._end} if self._ends else {}))

    def _renamed(self, tensor: Tensor, right: int) -> Tensor:
        """An output, whose axis has another name where it has other lengths than the input."""
        new = f"{self._axis}_out"
        return (
            tensor
            if not right
            else Tensor(tensor.dtype, tuple(new if axis == self._axis else axis for axis in tensor.shape))
        )

    def _axis_of(self, source: Steps) -> int:
        axis = self.trace.time(source.like)
        assert axis is not None, "steps have a time axis"
        return source.axis(axis)

    def _batch_of(self, source: Steps) -> int | None:
        batch = self.trace.batch(source.like)
        return None if batch is None else source.axis(batch)

    def _shape_of(self, source: Steps) -> tuple[int, ...]:
        shape = self.trace.shape(source.like)
        return tuple(shape[source.turned.index(i)] for i in range(len(shape))) if source.turned else shape

    def _independent(self, name: str) -> str:
        """Bring a tensor into the graph that depends on no data."""
        if name in self._weights:
            self.graph.keep(self._weights[name])
        elif name in self._pure:
            node = self._makers[name]
            self.graph.copy(node, [self.operand(one).name if one else "" for one in node.input])  # type: ignore[union-attr]
            for other in node.output:
                self._operands[other] = Fixed(other)
        else:
            value = self.trace.uniform(name)
            if value is None:
                why = "tells how long the input is, or where a step is, which nothing knows in a stream"
                raise NoStatefulForm(self._where, f"the tensor {name!r} {why}")
            return self.graph.constant(value, str(value.dtype))
        return name

    def _state(self, source: Steps, steps: int) -> tuple[str, str]:
        """A new state with the shape of ``source``: its input, and the output that it is next."""
        name = f"state_{len(self._states)}"
        following, axis, batch = f"{name}_next", self._axis_of(source), self._batch_of(source)
        dtype, shape = str(self.trace.values(source.like)[0].dtype), self._shape_of(source)
        before, after = (
            Tensor(
                dtype,
                tuple(f"{one}_steps" if i == axis else "batch" if i == batch else size for i, size in enumerate(shape)),
            )
            for one in (name, following)
        )
        self._states[name] = (following, before, after, steps)
        return name, following

    def _tail(self, source: Steps, steps: int) -> str:
        """Zeros that follow the stream: ``steps`` of them in the last call, and none before."""
        from onnx import numpy_helper

        axis, batch, shape = self._axis_of(source), self._batch_of(source), self._shape_of(source)
        zero = np.zeros(1, self.trace.values(source.like)[0].dtype)
        key = (
            "tail",
            steps,
            axis,
            batch,
            tuple(size for i, size in enumerate(shape) if i not in (axis, batch)),
            zero.dtype,
        )
        if key not in self._shared:
            self._ends = True
            count = self.graph.add("Mul", [self._end, self.graph.constant([steps])])
            sizes = [count if i == axis else self.graph.constant([size]) for i, size in enumerate(shape)]
            if batch is not None:
                sizes[batch] = self.graph.add("Shape", [source.name], start=batch, end=batch + 1)
            whole = self.graph.add("Concat", sizes, axis=0)
            self._shared[key] = self.graph.add("ConstantOfShape", [whole], value=numpy_helper.from_array(zero))
        return self._shared[key]

    def _wait(self, source: Steps, wait: int, axis: int) -> str:
        """Keep the last ``wait`` steps back until the next call, or let all go in the last one."""
        key = ("cut", wait)
        if key not in self._shared:
            self._ends = True
            over = self.graph.add("Cast", [self._end], to=9)  # bool
            self._shared[key] = self.graph.add(
                "Where", [over, self.graph.constant([END]), self.graph.constant([-wait])]
            )
        cut, axes = self._shared[key], self.graph.constant([axis])
        state, following = self._state(source, 0)
        whole = self.graph.add("Concat", [state, source.name], axis=axis)
        self.graph.add("Slice", [whole, cut, self.graph.constant([END]), axes], following)
        return self.graph.add("Slice", [whole, self.graph.constant([0]), cut, axes])
