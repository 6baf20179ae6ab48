"""The JSON Schema of a block, read off its dataclass fields."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from voxstack.blocks import Block, SequenceBlock, StreamableBlock
from voxstack.errors import PluginError

_PARAM = re.compile(r"^:param (\w+):\s*(.*?)(?=^:|\Z|\n\n)", re.MULTILINE | re.DOTALL)
_SCALARS: dict[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def block_schema(cls: type[Block]) -> dict[str, Any]:
    """Return the JSON Schema of a stack entry of this class.

    Types come from the annotations, limits from ``field(metadata={"minimum": 1})``, descriptions from the ``:param``
    lines of the docstring. A child block is an object marked with ``x-block``, checked by its own schema.

    :raises PluginError: for a class that is not a dataclass, or a field without a JSON form.
    """
    where = f"{cls.__module__}.{cls.__name__}"
    if not dataclasses.is_dataclass(cls) or "__dataclass_fields__" not in cls.__dict__:
        raise PluginError(f"{where} must be a dataclass: its fields are its configuration; decorate it with @dataclass")
    hints = typing.get_type_hints(cls)
    doc = inspect.getdoc(cls) or ""
    descriptions = {name: " ".join(text.split()) for name, text in _PARAM.findall(doc)}
    properties: dict[str, Any] = {"type": {"const": cls.__name__}}
    required = ["type"]
    for field in dataclasses.fields(cls):
        if not field.init:
            continue
        properties[field.name] = {**type_schema(hints[field.name], f"{where}.{field.name}"), **field.metadata}
        if field.name in descriptions:
            properties[field.name]["description"] = descriptions[field.name]
        if field.default is not dataclasses.MISSING:
            properties[field.name]["default"] = field.default
        elif field.default_factory is dataclasses.MISSING:
            required.append(field.name)
    return {
        "title": cls.__name__,
        "description": doc.split("\n\n")[0].replace("\n", " "),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def block_spec(value: Any) -> Any:
    """Return the JSON of a stack in which blocks may stand as objects: their type, and the fields that are not default.

    Values of fields that have no JSON form stay as they are.
    """
    if isinstance(value, Block) and dataclasses.is_dataclass(value):
        fields = [field for field in dataclasses.fields(value) if field.init]
        values = {field.name: getattr(value, field.name) for field in fields if not _is_default(field, value)}
        return {"type": type(value).__name__, **{name: block_spec(each) for name, each in values.items()}}
    if isinstance(value, Mapping):
        return {key: block_spec(each) for key, each in value.items()}
    return [block_spec(each) for each in value] if isinstance(value, list | tuple) else value


def _is_default(field: dataclasses.Field[Any], block: Any) -> bool:
    default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    value = getattr(block, field.name)
    return type(value) is type(default) and bool(np.all(value == default))


def type_schema(hint: Any, where: str) -> dict[str, Any]:
    """Return the JSON Schema of one annotation; ``where`` names it in errors."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    if hint in (SequenceBlock, StreamableBlock):
        return {"type": "object", "required": ["type"], "x-block": hint.__name__}
    if origin is Literal:
        return {"enum": list(args)}
    if origin is list:
        return {"type": "array", "items": type_schema(args[0], where)}
    if origin is dict and args[0] is str:
        return {"type": "object", "additionalProperties": type_schema(args[1], where)}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [{"type": "null"} if a is type(None) else type_schema(a, where) for a in args]}
    forms = "bool, int, float, str, Literal, list, dict[str, ...], a block, or | None"
    raise PluginError(f"{where}: {hint} has no JSON form; use {forms}")
