"""The stack interpreter: builds a tree of blocks from its JSON definition."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
import typing
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from voxstack.blocks import Block, SequenceBlock, StreamableBlock, field_path
from voxstack.errors import ContextError, PluginError, StackError, VoxstackError, foreign
from voxstack.registry import Registry
from voxstack.schema import block_schema, block_spec
from voxstack.stack_plugins import missing_plugins_note
from voxstack.streaming.faults import check_declarations, located
from voxstack.utterance import REQUEST
from voxstack_addon_spec.known_valid import checked_value, is_known, remember
from voxstack_addon_spec.validation import strict_validator
from voxstack_addon_spec.wording import did_you_mean, problem, short_repr

if TYPE_CHECKING:
    from voxstack.networks.addon import Addon

B = TypeVar("B", bound=Block)


def build(
    spec: Any,
    addon: Addon | None = None,
    *,
    registry: Registry | None = None,
    available: Iterable[str] | None = None,
) -> Any:
    """Return the block that ``spec`` describes, children first, loaded and checked.

    :param spec: a JSON object with a ``type`` and that block's own fields; a list is a ``StreamableStack``. A block
        that was made in Python may stand anywhere in it, also if no plugin registers its class; a copy is loaded.
    :param addon: provides networks and tables; without it blocks are neither loaded nor checked against each other.
    :param registry: in which block names are looked up; by default the addon's, or that of the installed plugins.
    :param available: names in the utterance that the block will receive; by default those of a request to the addon's
        voice.
    :raises StackError: with the exact place, what is accepted there, and what to do.
    :raises ContextError: if the context of a network is unavailable.
    """
    if addon is not None and not hasattr(addon, "registry"):
        raise StackError("stack", f"{short_repr(addon)} is no addon; give that of a voice: voxstack.load(...).addon")
    if registry is None:
        registry = addon.registry if addon is not None else Registry.installed()
    if isinstance(spec, list):
        spec, path = {"type": "StreamableStack", "stack": spec}, ""
    else:
        path = "stack"
    block = _build(spec, addon, registry, Block, path)
    if addon is not None:
        names = (*REQUEST, *addon.config.get("controls", {})) if available is None else available
        try:
            block.check_needs(dict.fromkeys(names, "the utterance"), path)
        except VoxstackError:
            raise
        except Exception as error:  # of a property such as needs, of any block
            raise StackError(*located(error)) from error
    return block


def _build(spec: Any, addon: Addon | None, registry: Registry, kind: type[B], path: str) -> B:
    cls = find(spec, registry, path, {} if addon is None else addon.config)
    if not issubclass(cls, kind):
        found = "SequenceBlock" if issubclass(cls, SequenceBlock) else "StreamableBlock"
        raise StackError(path, f"{cls.__name__} is a {found}, and only a {kind.__name__} can stand here")
    fields = _fields(spec, cls, addon, registry, path)
    try:
        block: B = _copied(spec, fields) if isinstance(spec, cls) else cls(**fields)
        block.stack_path = path or "stack"
        if addon is not None:
            with addon.recorded() as opened:
                block.load(addon)
            block.networks_opened = tuple(opened)
            check_declarations(block)
    except StackError as error:
        raise StackError(field_path(path, error.where), error.problem) from error
    except ContextError:  # it names the network, and the stack is not at fault
        raise
    except VoxstackError as error:
        raise StackError(path, f"{cls.__name__}: {error}") from error
    except Exception as error:  # a third party's __post_init__ or load may raise anything
        raise StackError(*located(error, path or "stack", cls.__name__)) from error
    return block


def find(spec: Any, registry: Registry, path: str, config: Mapping[str, Any] = MappingProxyType({})) -> type[Block]:
    """Return the class that a stack entry names.

    :param config: content of the addon.json, which may list the plugins that it was made with.
    :raises StackError: with the closest name and what is installed.
    """
    if isinstance(spec, Block):
        return type(spec)
    if isinstance(spec, type) and issubclass(spec, Block):
        raise StackError(path, f"{spec.__name__} is a class; give a block: {spec.__name__}(...)")
    if not isinstance(spec, Mapping) or not isinstance(spec.get("type"), str):
        is_json = isinstance(spec, Mapping | list | str | int | float | None)
        advice = "" if is_json else "; a class of blocks made in Python derives from StreamableBlock or SequenceBlock"
        got = f'expected an object such as {{"type": "Gain", "db": -3}}, got {short_repr(spec)}'
        raise StackError(path, f"{got}{advice}")
    try:
        return registry.block(spec["type"])
    except VoxstackError as error:
        note = "" if spec["type"] in registry else missing_plugins_note(config)
        raise StackError(path, f"{error}{note}") from error


def _fields(spec: Any, cls: type[Block], addon: Addon | None, registry: Registry, path: str) -> dict[str, Any]:
    """Return the fields of a block, checked and with the blocks in them built; of a block from Python, only those."""
    if not isinstance(spec, Block):
        schema, hints = _description(cls, path)
        _validate(spec, cls, schema, path)
        values = [(name, value) for name, value in spec.items() if name != "type"]
        return {name: _convert(hints[name], value, addon, registry, field_path(path, name)) for name, value in values}
    if not dataclasses.is_dataclass(spec):
        raise StackError(path, f"{cls.__name__} is not a dataclass; decorate its class with @dataclass")
    with contextlib.suppress(PluginError, TypeError, NameError):  # in Python a field may be what JSON has no form for
        _validate(json.loads(json.dumps(block_spec(spec))), cls, block_schema(cls), path)
    built: dict[str, Any] = {}
    for name in (field.name for field in dataclasses.fields(spec) if field.init):
        value, place = getattr(spec, name), field_path(path, name)
        if isinstance(value, Block):
            built[name] = _build(value, addon, registry, Block, place)
        elif isinstance(value, list) and any(isinstance(item, Block) for item in value):
            built[name] = [_build(item, addon, registry, Block, f"{place}[{i}]") for i, item in enumerate(value)]
    return built


def _copied(block: B, fields: Mapping[str, Any]) -> B:
    """Return a copy of a block with other values of some fields: blocks never change once they are loaded."""
    copied = copy.copy(block)
    for name, value in fields.items():
        setattr(copied, name, value)
    return copied


def _description(cls: type[Block], path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the schema of a block and the types of its fields.

    :raises StackError: if they cannot be read, as for an annotation that names nothing.
    """
    try:
        return block_schema(cls), typing.get_type_hints(cls)
    except Exception as error:
        raise StackError(path, f"{cls.__name__} cannot be described: {foreign(error)}; correct the plugin") from error


def _validate(spec: Mapping[str, Any], cls: type[Block], schema: Mapping[str, Any], path: str) -> None:
    known = schema["properties"]
    for key in spec:
        if key not in known:
            fields = ", ".join(name for name in known if name != "type") or "none"
            raise StackError(path, f"{cls.__name__} has no field {key!r}{did_you_mean(key, known)}; it has {fields}")
    content = checked_value(schema, spec)
    if content is not None and is_known(content):
        return
    from jsonschema.exceptions import best_match  # costs more to import than the rest of the core

    errors = strict_validator()(schema).iter_errors(spec)
    error = best_match(e for e in errors if "x-block" not in e.schema)  # child blocks are checked when they are built
    if error is not None:
        place = error.json_path.removeprefix("$").lstrip(".")
        spot = field_path(path, place) if place and not place.startswith("[") else path + place
        raise StackError(spot, f"{cls.__name__}: {problem(error)}")
    if content is not None:
        remember(content)


def _convert(hint: Any, value: Any, addon: Addon | None, registry: Registry, path: str) -> Any:
    """Build the blocks inside a field; leave plain values alone."""
    if hint in (SequenceBlock, StreamableBlock):
        return _build(value, addon, registry, hint, path)
    if typing.get_origin(hint) is list:
        (item,) = typing.get_args(hint)
        return [_convert(item, v, addon, registry, f"{path}[{i}]") for i, v in enumerate(value)]
    if typing.get_origin(hint) is not None and value is not None:  # X | None
        blocks = [arg for arg in typing.get_args(hint) if arg in (SequenceBlock, StreamableBlock)]
        return _convert(blocks[0], value, addon, registry, path) if blocks else value
    return value
