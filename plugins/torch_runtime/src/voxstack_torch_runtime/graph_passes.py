"""Passes over the graph of an exported program, run once when it is opened so that calls need not repeat their work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch.fx import GraphModule, Node


def drop_device_assertions(module: GraphModule) -> None:
    """Drop the checks that tensors are on the device that they were on when the program was exported; in place."""
    import torch

    for node in list(module.graph.nodes):
        if node.target is torch.ops.aten._assert_tensor_metadata.default:
            module.graph.erase_node(node)
    module.recompile()


def bind_weights(module: GraphModule, weights: Sequence[torch.Tensor]) -> GraphModule:
    """Return a module that holds the weights which this one accepts as its last inputs, and returns a plain tuple."""
    import torch
    from torch.fx import GraphModule
    from torch.fx.graph import CodeGen

    holder, graph = torch.nn.Module(), module.graph
    for node in graph.nodes:
        if node.op == "get_attr":
            holder.register_buffer(_flat_name(node), _attribute(module, node.target))
            node.target = _flat_name(node)
    inputs = [node for node in graph.nodes if node.op == "placeholder"][-len(weights) :] if weights else []
    for i, (node, tensor) in enumerate(zip(inputs, weights, strict=True)):
        holder.register_buffer(f"weight_{i}", tensor)
        with graph.inserting_before(node):
            weight = graph.create_node("get_attr", f"weight_{i}")
        node.replace_all_uses_with(weight)
        graph.erase_node(node)
    graph.set_codegen(CodeGen())
    return GraphModule(holder, graph)


def fold_casts(module: GraphModule) -> None:
    """Cast weights that are stored in another dtype than they are computed in, such as float16, once; in place."""
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
    """Cast weights and constants to another floating dtype, in which the network then computes; in place.

    Casts to float32 in the graph itself (``x.float()``) remain: there the network requires it.
    """
    import torch

    for node in module.graph.nodes:
        if (
            node.op == "get_attr"
            and isinstance(value := _attribute(module, node.target), torch.Tensor)
            and value.is_floating_point()
        ):
            path, _, name = node.target.rpartition(".")
            owner = module.get_submodule(path)
            if name in owner._parameters:
                owner._parameters[name] = torch.nn.Parameter(value.detach().to(dtype), requires_grad=False)
            else:
                setattr(owner, name, value.to(dtype))


def writes_in_place(module: GraphModule) -> bool:
    """Return whether an operation of the graph works in place, and so perhaps on its inputs."""
    return any(getattr(getattr(node.target, "_schema", None), "is_mutable", False) for node in module.graph.nodes)


def _flat_name(node: Node) -> str:
    return str(node.target).replace(".", "__")


def _attribute(module: GraphModule, target: str) -> torch.Tensor:
    path, _, name = target.rpartition(".")
    value: torch.Tensor = getattr(module.get_submodule(path), name)
    return value


def _drop_unused(module: GraphModule, weights: list[Node]) -> None:
    """Drop the weights that nothing reads any more."""
    for node in weights:
        if not node.users:
            module.graph.erase_node(node)
    read = {node.target for node in module.graph.nodes if node.op == "get_attr"}
    for target in {str(node.target) for node in weights} - read:
        path, _, name = target.rpartition(".")
        delattr(module.get_submodule(path), name)
