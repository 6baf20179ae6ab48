"""What is done once to an exported program, so that not every call does it again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch.fx import GraphModule, Node


def forget_devices(module: GraphModule) -> None:
    """Drop the checks, made when the program was exported, that tensors lie on the device that they lay on then; in place."""
    import torch

    for node in list(module.graph.nodes):
        if node.target is torch.ops.aten._assert_tensor_metadata.default:
            module.graph.erase_node(node)
    module.recompile()


def bind(module: GraphModule, weights: Sequence[torch.Tensor]) -> GraphModule:
    """Return a module that holds the weights which this one takes as its last inputs, and gives a plain tuple."""
    import torch
    from torch.fx import GraphModule
    from torch.fx.graph import CodeGen

    holder, graph = torch.nn.Module(), module.graph
    for node in graph.nodes:
        if node.op == "get_attr":
            holder.register_buffer(_flat(node), _attribute(module, node.target))
            node.target = _flat(node)
    taken = [node for node in graph.nodes if node.op == "placeholder"][-len(weights) :] if weights else []
    for i, (node, tensor) in enumerate(zip(taken, weights, strict=True)):
        holder.register_buffer(f"weight_{i}", tensor)
        with graph.inserting_before(node):
            held = graph.create_node("get_attr", f"weight_{i}")
        node.replace_all_uses_with(held)
        graph.erase_node(node)
    graph.set_codegen(CodeGen())
    return GraphModule(holder, graph)


def fold_casts(module: GraphModule) -> None:
    """Cast weights that are kept in another dtype than they are computed in (float16, say) once for all; in place."""
    import torch

    graph, aten = module.graph, torch.ops.aten
    weights = [node for node in graph.nodes if node.op == "get_attr"]
    casts = [
        node
        for node in graph.nodes
        if node.target in (aten.to.dtype, aten._to_copy.default) and node.args[0] in weights
    ]
    names: dict[str, str] = {}
    for node in casts:
        weight = node.args[0].target
        cast = f"{weight} {node.args[1:]} {node.kwargs}"
        if cast not in names:
            names[cast] = f"_cast_{len(names)}"
            with torch.no_grad():
                module.register_buffer(
                    names[cast], node.target(_attribute(module, weight), *node.args[1:], **node.kwargs)
                )
        with graph.inserting_before(node):
            node.replace_all_uses_with(graph.get_attr(names[cast]))
        graph.erase_node(node)
    _drop_unused(module, weights)
    module.recompile()


def cast_weights(module: GraphModule, dtype: torch.dtype) -> None:
    """Compute in another floating dtype: weights, constants, and what the graph makes in float32 beside them; in place.

    What the graph casts to float32 itself (``x.float()``) stays so: there the network asks for it.
    """
    import torch

    for node in module.graph.nodes:
        if (
            node.op == "get_attr"
            and isinstance(value := _attribute(module, node.target), torch.Tensor)
            and value.is_floating_point()
        ):
            place, _, last = node.target.rpartition(".")
            owner = module.get_submodule(place)
            if last in owner._parameters:
                owner._parameters[last] = torch.nn.Parameter(value.detach().to(dtype), requires_grad=False)
            else:
                setattr(owner, last, value.to(dtype))


def writes(module: GraphModule) -> bool:
    """Whether something in the graph is done in place, and so perhaps to its inputs."""
    return any(getattr(getattr(node.target, "_schema", None), "is_mutable", False) for node in module.graph.nodes)


def _flat(node: Node) -> str:
    return str(node.target).replace(".", "__")


def _attribute(module: GraphModule, name: str) -> torch.Tensor:
    place, _, last = name.rpartition(".")
    value: torch.Tensor = getattr(module.get_submodule(place), last)
    return value


def _drop_unused(module: GraphModule, weights: list[Node]) -> None:
    """Let go of weights that nothing reads any more."""
    for node in weights:
        if not node.users:
            module.graph.erase_node(node)
    read = {node.target for node in module.graph.nodes if node.op == "get_attr"}
    for name in {str(node.target) for node in weights} - read:
        place, _, last = name.rpartition(".")
        delattr(module.get_submodule(place), last)
