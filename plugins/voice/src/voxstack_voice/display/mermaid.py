"""A graph as Mermaid text, which GitHub and documentation sites draw."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from voxstack_voice.display.nodes import Node
from voxstack_voice.display.shapes import arrow_labels
from voxstack_voice.display.svg import COLOURS, INK


def mermaid_of(root: Node) -> str:
    """Return the flowchart of a block and all in it."""
    leaves = list(root.leaves())
    numbers = {id(leaf): f"b{number}" for number, leaf in enumerate(leaves)}
    lines = ["flowchart TD", *_nodes(root, numbers, itertools.count())]
    labels = arrow_labels(leaves)
    for one, two, label in zip(leaves, leaves[1:], labels, strict=False):
        text = "<br/>".join(map(escaped, label))
        lines.append(f"  {numbers[id(one)]} -->" + (f'|"{text}"| ' if text else " ") + numbers[id(two)])
    if labels[-1]:
        lines.append(f'  {numbers[id(leaves[-1])]} --> out(["{"<br/>".join(map(escaped, labels[-1]))}"])')
    for kind in ("sequence", "streamable", "network"):
        fill, outline = COLOURS[kind]
        lines.append(f"  classDef {kind} fill:{fill},stroke:{outline},color:{INK}")
    return "\n".join(lines) + "\n"


def _nodes(node: Node, numbers: dict[int, str], groups: itertools.count[int], indent: str = "  ") -> Iterator[str]:
    if node.inner:
        yield f'{indent}subgraph g{next(groups)}["{escaped(node.title)}"]'
        for inner in node.inner:
            yield from _nodes(inner, numbers, groups, indent + "  ")
        yield f"{indent}end"
        return
    name = numbers[id(node)]
    yield f"{indent}{name}{_label(node.name, node.lines, '[]')}:::{node.kind}"
    for index, network in enumerate(node.networks):
        yield f"{indent}{name} -.- {name}n{index}{_label(network.name, network.lines, '()')}:::network"


def _label(title: str, lines: list[str], brackets: str) -> str:
    text = "<br/>".join(map(escaped, [title, *lines]))
    return f'{brackets[0]}"{text}"{brackets[1]}'


def escaped(text: str) -> str:
    """Return a text in which no character has a meaning for Mermaid or HTML."""
    return "".join(c if c.isalnum() or c in " .,:()/_-+=…" else f"#{ord(c)};" for c in text)
