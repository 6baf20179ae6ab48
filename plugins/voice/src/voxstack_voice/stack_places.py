"""Places in a stack: blocks by type name or path, and stacks with another block beside them."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from voxstack.blocks import Block, SequenceBlock, field_path
from voxstack.errors import RequestError
from voxstack.registry import Registry
from voxstack.stack import find
from voxstack_addon_spec.wording import did_you_mean

SIDES = ("after", "before", "replace")
"""Where a block can be put, relative to another one."""


Networks = Mapping[str, Collection[str]]
"""Names of the networks that blocks have opened, by the path of the block."""


class Place(NamedTuple):
    """A block of a stack: its path, as in errors, its keys from the top, and its JSON or the block itself."""

    path: str
    keys: tuple[str | int, ...]
    spec: Any

    @property
    def name(self) -> str:
        """The type of the block."""
        return type(self.spec).__name__ if isinstance(self.spec, Block) else str(self.spec.get("type"))


def insert(
    stack: list[Any], block: Any, side: str | None, name: str, networks: Networks, registry: Registry
) -> list[Any]:
    """Return a stack with one more block.

    :param block: a block, or its JSON; the name of its type stands for one without fields.
    :param side: one of :data:`SIDES`, or None for the end of the stack.
    :param name: of the block beside which it is put: the name of its type, of a network of it, or its path.
    :raises RequestError: if ``name`` stands for no block, or for several.
    """
    if isinstance(block, str) and ":" in block:
        advice = f"in Python write {{'type': {block.partition(':')[0]!r}, ...}} with its fields"
        raise RequestError(f"{block!r} is how --insert names a block; {advice}")
    new = {"type": block} if isinstance(block, str) else block
    if side is None:
        return [*stack, new]
    place = find_place(stack, name, networks)
    changed: list[Any] = _changed(stack, place.keys, new, side, registry)
    return changed


def find_place(stack: list[Any], name: str, networks: Networks) -> Place:
    """Return the block that a name stands for.

    :param networks: names of the networks of each block, by its path.
    :raises RequestError: listing the paths of all blocks, or of those of this name.
    """
    places = list(walk(stack))
    if not isinstance(name, str):
        names = ", ".join(dict.fromkeys(place.name for place in places))
        raise RequestError(f"a place in a stack is the name of a block's type or its path, not {name!r}: {names}")
    wanted = f"stack{name}" if name.startswith("[") else name
    for found in (
        [place for place in places if place.path == wanted],
        [place for place in places if place.name == name],
        [place for place in places if name in networks.get(place.path, ())],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            listing = ", ".join(place.path + _own_networks(networks.get(place.path)) for place in found)
            raise RequestError(f"there are {len(found)} blocks {name!r}; name one by its network or path: {listing}")
    known = dict.fromkeys(place.name for place in places)
    advice = did_you_mean(name, known) or did_you_mean(name, [place.path for place in places])
    raise RequestError(f"there is no block {name!r} in this stack{advice}; it has {', '.join(known)}")


def _own_networks(names: Collection[str] | None) -> str:
    return f" ({', '.join(names)})" if names else ""


def walk(stack: list[Any]) -> Iterator[Place]:
    """Yield each block of a stack, from the first to the last, an outer one before those inside it."""
    for index, spec in enumerate(stack):
        yield from _places(spec, f"stack[{index}]", (index,))


def _places(spec: Any, path: str, keys: tuple[str | int, ...]) -> Iterator[Place]:
    if not isinstance(spec, Block) and not (isinstance(spec, Mapping) and isinstance(spec.get("type"), str)):
        return
    yield Place(path, keys, spec)
    for name, value in _fields(spec).items():
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from _places(item, field_path(path, f"{name}[{index}]"), (*keys, name, index))
        else:
            yield from _places(value, field_path(path, name), (*keys, name))


def _fields(spec: Block | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(spec, Mapping):
        return spec
    if not dataclasses.is_dataclass(spec):
        return {}
    return {field.name: getattr(spec, field.name) for field in dataclasses.fields(spec) if field.init}


def _changed(holder: Any, keys: tuple[str | int, ...], new: Any, side: str, registry: Registry) -> Any:
    """Return a list, a JSON object or a block with a new block at a place in it; what is changed is copied."""
    key, rest = keys[0], keys[1:]
    copied = copy.copy(holder)
    inner = getattr(holder, str(key)) if isinstance(holder, Block) else holder[key]
    if rest:
        inner = _changed(inner, rest, new, side, registry)
    elif side == "replace":
        inner = new
    elif isinstance(holder, list):
        copied.insert(int(key) + (side == "after"), new)
        return copied
    else:
        inner = _chained([inner, new] if side == "after" else [new, inner], inner, registry)
    if isinstance(holder, Block):
        setattr(copied, str(key), inner)
    else:
        copied[key] = inner
    return copied


def _chained(blocks: list[Any], old: Any, registry: Registry) -> dict[str, Any]:
    """Return a block that runs two, in the place of ``old``, which is one of them."""
    if issubclass(find(old, registry, "stack"), SequenceBlock):
        return {"type": "SequenceBlockContainer", "blocks": blocks}
    return {"type": "StreamableStack", "stack": blocks}
