"""The ``forward`` of a torch module: its parameters, and the names of the tensors that it returns."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor, nn

_MASK = re.compile(r"(^|_)masks?$")
_PADDING = re.compile(r"pad")
_LENGTH = re.compile(r"(^|_)(len|lens|length|lengths)$")
_MOST = re.compile(r"(^|_)max_")


class Parameter(NamedTuple):
    """A parameter of ``forward``.

    :param kind: ``mask``, ``padding`` (a mask of the padded steps), ``lengths`` or ``value``.
    """

    name: str
    kind: str
    optional: bool


def forward_parameters(module: nn.Module) -> list[Parameter]:
    """Return the parameters of ``forward``, also of a scripted module, without those that collect others."""
    forward: Any = module.forward
    if hasattr(forward, "schema"):
        return [_parameter(a.name, a.has_default_value()) for a in forward.schema.arguments[1:]]
    collecting = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    found = [p for p in inspect.signature(forward).parameters.values() if p.kind not in collecting]
    return [_parameter(p.name, p.default is not inspect.Parameter.empty) for p in found]


def _parameter(name: str, optional: bool) -> Parameter:
    kind = "value"
    if _MASK.search(name):
        kind = "padding" if _PADDING.search(name) else "mask"
    elif _LENGTH.search(name) and not _MOST.search(name):
        kind = "lengths"
    return Parameter(name, kind, optional)


def flatten_outputs(result: Any) -> list[tuple[str | None, Tensor]]:
    """Return the tensors that a module returned, with their names in a mapping, a named tuple or a dataclass."""
    import torch

    if isinstance(result, torch.Tensor):
        return [(None, result)]
    if isinstance(result, Mapping):
        named: list[tuple[str | None, Any]] = [(str(name), value) for name, value in result.items()]
    elif hasattr(result, "_fields"):
        named = list(zip(result._fields, result, strict=True))
    elif hasattr(result, "__dataclass_fields__"):
        named = [(name, getattr(result, name)) for name in result.__dataclass_fields__]
    elif isinstance(result, Sequence) and not isinstance(result, str):
        named = [(None, value) for value in result]
    else:
        return []
    flat: list[tuple[str | None, Tensor]] = []
    for name, value in named:
        inner = flatten_outputs(value)
        flat += [(name if len(inner) == 1 else own, tensor) for own, tensor in inner]
    return flat


def returned_names(module: nn.Module, count: int) -> list[str | None]:
    """Return the variables that ``forward`` returns in its last statement, None for each that is no variable."""
    unknown: list[str | None] = [None] * count
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(type(module).forward)))
    except (OSError, TypeError, SyntaxError):
        return unknown
    returns = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return) and node.value is not None]
    last = returns[-1] if returns else None
    parts = last.elts if isinstance(last, ast.Tuple | ast.List) else [last]
    tensors = [part for part in parts if not (isinstance(part, ast.Constant) and part.value is None)]
    names = [part.id if isinstance(part, ast.Name) else None for part in tensors]
    return names if len(names) == count else unknown
