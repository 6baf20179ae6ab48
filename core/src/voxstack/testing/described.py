"""Clauses on a block's description: its schema, its limits, its JSON, and what importing it takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from voxstack import builtin
from voxstack.blocks import Block, children
from voxstack.errors import PluginError, StackError
from voxstack.hookspecs import hookimpl
from voxstack.registry import Registry
from voxstack.schema import block_schema
from voxstack.stack import build
from voxstack.testing.cases import Case
from voxstack.testing.imports import import_cost
from voxstack.testing.judging import presume

_LIMITS: Mapping[str, Callable[[Any], Any]] = {
    "minimum": lambda limit: limit - 1,
    "exclusiveMinimum": lambda limit: limit,
    "maximum": lambda limit: limit + 1,
    "exclusiveMaximum": lambda limit: limit,
    "multipleOf": lambda factor: factor * 1.5,
    "enum": lambda values: "no such value",
    "pattern": lambda pattern: "\0",
    "minLength": lambda count: "a" * (count - 1),
    "maxLength": lambda count: "a" * (count + 1),
    "minItems": lambda count: None,
    "maxItems": lambda count: None,
}
"""Keywords of limits, and a value outside of each; None: one of the field itself, of another length."""

_KEYWORDS = {*_LIMITS, "uniqueItems", "items", "additionalProperties", "properties", "required", "examples", "format"}
_KEYWORDS |= {"title", "description", "type", "anyOf", "const", "propertyNames", "minProperties", "maxProperties"}
_KEYWORDS |= {"oneOf", "allOf", "not", "prefixItems", "contains", "deprecated"}


def check_is_described(case: Case) -> None:
    """Require a docstring, and a type and a ``:param:`` line for every field: they are the block's JSON Schema."""
    try:
        schema = block_schema(type(case.block))
    except PluginError as error:
        raise AssertionError(f"has no JSON Schema: {error}") from error
    assert schema["description"], "a block needs a docstring: it becomes the description in the schema"
    fields = {name: entry for name, entry in schema["properties"].items() if name != "type"}
    silent = [name for name, entry in fields.items() if not entry.get("description")]
    assert not silent, f"say what these fields mean with ':param name:' lines in the docstring: {silent}"
    loose = [name for name, entry in fields.items() if not {"type", "enum", "anyOf", "const"} & entry.keys()]
    assert not loose, f"the schema has no type for the fields {loose}; annotate them with one that has a JSON form"


def check_enforces_its_limits(case: Case) -> None:
    """Require that limits in ``field(metadata=...)`` are keywords of JSON Schema, hold for defaults, and are refused.

    A keyword that is misspelled limits nothing, and a limit of another type raises an error of its own in validation.
    """
    presume(case, check_is_described)
    for block in _tree(case.block):
        schema = block_schema(type(block))
        own = {field.name: field for field in dataclasses.fields(block) if field.init}  # type: ignore[arg-type]
        for name, field in own.items():
            unknown = sorted(key for key in field.metadata if key not in _KEYWORDS and not key.startswith("x-"))
            assert not unknown, (
                f"the limits {unknown} of the field {name!r} are no keywords of JSON Schema and limit nothing; "
                f"use some of {sorted(_LIMITS)}"
            )
            _check_default(type(block), name, schema)
            for keyword, limit in field.metadata.items():
                _check_limit(block, name, keyword, limit)


def check_survives_a_round_trip_through_json(case: Case) -> None:
    """Require that the block, written as JSON and built again, is equal: its fields are its configuration."""
    assert dataclasses.is_dataclass(case.block), "must be a dataclass: its fields are its configuration"
    presume(case, check_is_described)
    again = _built(case.block, {})
    assert again == case.block, f"built from its own JSON, the block differs: {again!r} is not {case.block!r}"


def check_is_cheap_to_import(case: Case) -> None:
    """Require that importing the block's module imports no heavy package, and no more than 400 modules in all.

    Measured in a process of its own beside ``import voxstack``. Modules of tests are not measured.
    """
    if problem := import_cost(type(case.block).__module__):
        raise AssertionError(problem)


def _check_default(cls: type[Block], name: str, schema: Mapping[str, Any]) -> None:
    entry = schema["properties"][name]
    if "default" not in entry or "x-block" in entry:
        return
    problem = _refusal(entry, entry["default"])
    assert not problem, f"the default of the field {name!r} is outside of its own limits: {problem}"


def _check_limit(block: Block, name: str, keyword: str, limit: Any) -> None:
    """Require that a value outside of a limit is refused."""
    if keyword not in _LIMITS:
        return
    try:
        wrong = _LIMITS[keyword](limit)
    except TypeError as error:
        raise AssertionError(f"the limit {keyword} of the field {name!r} is {limit!r}, which is no limit") from error
    if keyword in ("minItems", "maxItems"):
        held = _as_json(getattr(block, name)) or []
        wrong = held[: limit - 1] if keyword == "minItems" else (held or [0]) * (limit + 1)
    if (keyword in ("minLength", "minItems") and limit == 0) or wrong is None:
        return
    try:
        _built(block, {name: wrong})
    except StackError:
        return
    raise AssertionError(f"the limit {keyword} of the field {name!r} is not kept: {wrong!r:.60} was accepted")


def _refusal(schema: Mapping[str, Any], value: Any) -> str:
    from jsonschema.validators import Draft202012Validator

    return next((error.message for error in Draft202012Validator(schema).iter_errors(value)), "")


def _built(block: Block, changed: Mapping[str, Any]) -> Any:
    return build({**_as_json(block), **changed}, registry=_registry(block))


def _registry(block: Block) -> Registry:
    classes = {type(b) for b in _tree(block)} - set(builtin.voxstack_blocks())
    plugin = type("plugin", (), {"voxstack_blocks": staticmethod(_hook(list(classes)))})
    return Registry({"under test": plugin})


def _hook(classes: list[type[Block]]) -> Callable[[], list[type[Block]]]:
    def voxstack_blocks() -> list[type[Block]]:
        return classes

    hooked: Callable[[], list[type[Block]]] = hookimpl(voxstack_blocks)
    return hooked


def _tree(block: Block) -> Iterator[Block]:
    yield block
    for _, child in children(block, ""):
        yield from _tree(child)


def _as_json(value: Any) -> Any:
    if isinstance(value, Block):
        fields = [f for f in dataclasses.fields(value) if f.init]  # type: ignore[arg-type]
        return {"type": type(value).__name__, **{f.name: _as_json(getattr(value, f.name)) for f in fields}}
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    return value
