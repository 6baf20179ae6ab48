"""Several ONNX networks as one graph: their order, the inputs and outputs of the whole, and the joined model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from voxstack.networks import NetworkSpec, Tensor
from voxstack_packager.errors import PackagingError
from voxstack_packager.signature import Signature

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, ValueInfoProto


def in_order(networks: Sequence[NetworkSpec], name: str) -> list[NetworkSpec]:
    """Return the networks, each after those whose outputs it reads; otherwise as they are listed.

    :param name: name of the whole, for errors.
    :raises PackagingError: for networks that cannot be joined, whatever they compute.
    """
    if len({spec.name for spec in networks}) < max(2, len(networks)):
        raise PackagingError(name, "needs two networks or more, each listed once")
    for spec in networks:
        if "onnx" not in spec.exports:
            raise PackagingError(name, f"{spec.name!r} has no ONNX export, the format that can be joined")
        if spec.streaming is not None:
            advice = "join networks that run once an utterance, and let this one stream by itself"
            raise PackagingError(name, f"{spec.name!r} streams; {advice}")
    producers: dict[str, str] = {}
    for spec in networks:
        for output in spec.outputs:
            if producers.setdefault(output, spec.name) != spec.name:
                problem = f"both {producers[output]!r} and {spec.name!r} produce {output!r}; leave one out"
                raise PackagingError(name, problem)
    by_name = {spec.name: spec for spec in networks}
    dependencies = {spec.name: [producers[key] for key in spec.inputs if key in producers] for spec in networks}
    try:
        return [by_name[key] for key in TopologicalSorter(dependencies).static_order()]
    except CycleError as error:
        raise PackagingError(name, f"these need each other: {' -> '.join(error.args[1])}") from error


def fused_signature(order: Sequence[NetworkSpec], name: str) -> Signature:
    """Return the inputs of all networks that none of them produces, and the outputs of all.

    :raises PackagingError: where two networks declare one name in different ways.
    """
    seen: dict[str, tuple[str, Tensor]] = {}
    inputs: dict[str, Tensor] = {}
    outputs: dict[str, Tensor] = {}
    for spec in order:
        for key, tensor in spec.inputs.items():
            other, known = seen.setdefault(key, (f"{spec.name!r} accepts", tensor))
            if known != tensor:
                first, second = f"{other} {key!r} as {_describe(known)}", f"{spec.name!r} accepts it as"
                raise PackagingError(name, f"{first}, and {second} {_describe(tensor)}; declare both alike")
            if key not in outputs:
                inputs[key] = tensor
        for key, tensor in spec.outputs.items():
            outputs[key] = tensor
            seen[key] = (f"{spec.name!r} produces", tensor)
    return Signature(inputs, outputs)


def _describe(tensor: Tensor) -> str:
    return f"{'mask ' if tensor.mask else ''}{tensor.dtype} {list(tensor.shape)}"


def fused_lengths(order: Sequence[NetworkSpec], name: str) -> dict[str, Any]:
    """Return the ``lengths`` of all networks.

    :raises PackagingError: for an axis whose name means something else in another network.
    """
    lengths: dict[str, Any] = {}
    for spec in order:
        for axis in _axes(spec.outputs.values()) - _axes(spec.inputs.values()):
            _check_own_axis(axis, spec, order, name)
        for axis, length in spec.lengths.items():
            entry = {"axis": length.axis, "times": length.times}
            if lengths.setdefault(axis, entry) != entry:
                problem = f"the axis {axis!r} is {lengths[axis]} in one network and {entry} in another; rename one"
                raise PackagingError(name, problem)
    return lengths


def _check_own_axis(axis: str, spec: NetworkSpec, order: Sequence[NetworkSpec], name: str) -> None:
    """Raise a PackagingError if an axis that only the outputs of ``spec`` have is also an axis of other inputs."""
    for other in order:
        fed = {key: tensor for key, tensor in other.inputs.items() if key in spec.outputs}
        if axis in _axes(other.inputs.values()) - _axes(fed.values()):
            problem = f"{spec.name!r} produces an axis {axis!r} of its own, and {other.name!r} accepts one of that name"
            raise PackagingError(name, f"{problem}; rename one")


def _axes(tensors: Iterable[Tensor]) -> set[str]:
    return {axis for tensor in tensors for axis in tensor.shape if isinstance(axis, str)}


def join_models(order: Sequence[NetworkSpec], name: str) -> ModelProto:
    """Return one model of all networks.

    Everything inside a part is prefixed with the name of the part, except for inputs and outputs of the whole.

    :raises PackagingError: if the files cannot be joined.
    """
    import onnx

    models = {spec.name: onnx.load(spec.export("onnx", "onnx")) for spec in order}
    try:
        joined = _join(models, name)
        onnx.checker.check_model(joined)
    except (ValueError, onnx.checker.ValidationError) as error:
        raise PackagingError(name, f"the files cannot be joined: {error}") from error
    return joined


def _join(models: dict[str, ModelProto], name: str) -> ModelProto:
    import onnx
    from onnx import compose, helper

    ir_version = max(model.ir_version for model in models.values())
    merged = onnx.ModelProto()
    renamed_inputs: list[NodeProto] = []
    producers: dict[str, str] = {}  # prefixed names of outputs, by their own names
    inputs: dict[str, ValueInfoProto] = {}
    for part, model in models.items():
        model.ir_version = ir_version
        inner = {value.name: f"{part}/{value.name}" for value in (*model.graph.input, *model.graph.output)}
        fed = [(producers[value.name], inner[value.name]) for value in model.graph.input if value.name in producers]
        own = {value.name: value for value in model.graph.input if value.name not in producers}
        renamed_inputs += [helper.make_node("Identity", [key], [inner[key]], name=f"{inner[key]}.take") for key in own]
        inputs |= own
        producers |= {value.name: inner[value.name] for value in model.graph.output}
        prefixed = compose.add_prefix(model, f"{part}/")
        is_first = not merged.graph.node
        merged = prefixed if is_first else compose.merge_models(merged, prefixed, fed, outputs=[*producers.values()])
    renamed_outputs = [
        helper.make_node("Identity", [inner], [key], name=f"{inner}.give") for key, inner in producers.items()
    ]
    outputs = [value for model in models.values() for value in model.graph.output]
    weights = {"initializer": merged.graph.initializer, "sparse_initializer": merged.graph.sparse_initializer}
    nodes = [*renamed_inputs, *merged.graph.node, *renamed_outputs]
    graph = helper.make_graph(nodes, name, [*inputs.values()], outputs, **weights)
    return helper.make_model(
        graph, opset_imports=merged.opset_import, functions=merged.functions, ir_version=ir_version
    )
