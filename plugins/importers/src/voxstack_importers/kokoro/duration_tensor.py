"""The tensor with the whole frames of each token, in graphs that output it and in those that keep it inside."""

from __future__ import annotations

from voxstack_importers.graphs import Graph

_BOUNDS = frozenset({"Clip", "Max", "Relu", "Identity"})
"""Operators that bound rounded durations, element by element."""


def duration_tensor(graph: Graph, tokens: str, speed: str) -> str | None:
    """Return the name of the tensor with the durations of the tokens, in frames; None if none or several are found.

    A graph with a second output has them there. Otherwise they are what its duration predictor rounds: the only rounded
    tensor that depends on the tokens and on the speed, and that the samples depend on. In StyleTTS 2 (Li et al.,
    NeurIPS 2023, section 3.2.5) these numbers say how often the encoding of each token is repeated.
    """
    if len(graph.outputs) > 1:
        return str(graph.outputs[1])
    inside = graph.dependencies(graph.outputs[0]) & graph.dependents(tokens) & graph.dependents(speed)
    rounded = graph.produced_by({"Round"}, inside)
    if len(rounded) != 1:
        return None
    name = rounded[0]
    while len(readers := graph.consumers(name)) == 1 and readers[0].op_type in _BOUNDS:
        name = str(readers[0].output[0])
    return name


def embedded_tokens(graph: Graph, tokens: str) -> int | None:
    """Return how many different tokens a graph has embeddings for; None if it does not look them up in a table."""
    sizes = [
        graph.weights[node.input[0]].dims[0]
        for node in graph.consumers(tokens)
        if node.op_type == "Gather" and node.input[0] in graph.weights and node.input[1] == tokens
    ]
    return min(sizes, default=None)
