"""What is done once to an exported program, so that not every call does it again."""

from __future__ import annotations

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


def fold_casts(module: GraphModule) -> None:
    """Cast weights that are kept in another dtype than they are computed in (float16, say) once for all; in place."""
    import torch

    graph, aten = module.graph, torch.ops.aten
    weights = [node for node in graph.nodes if node.op == "get_attr"]
    casts = [node for node in graph.nodes if node.target in (aten.to.dtype, aten._to_copy.default) and node.args[0] in weights]
    names: dict[str, str] = {}
    for node in casts:
        weight = node.args[0].target
        cast = f"{weight} {node.args[1:]} {node.kwargs}"
        if cast not in names:
            names[cast] = f"_cast_{len(names)}"
            with torch.no_grad():
                module.register_buffer(names[cast], node.target(_attribute(module, weight), *node.args[1:], **node.kwargs))
        with graph.inserting_before(node):
            node.replace_all_uses_with(graph.get_attr(names[cast]))
        graph.erase_node(node)
    _drop_unused(module, weights)
    module.recompile()


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
