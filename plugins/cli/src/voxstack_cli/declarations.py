"""Declarations of a block: the names that it needs and gives, its streams, and how far it looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxstack import Block

OF_SEQUENCE = ("needs", "gives")
OF_STREAM = ("needs", "head", "takes", "makes", "hop", "lookahead", "lookback", "output_rate")


def declarations(cls: type[Block]) -> dict[str, Any]:
    """Return what a block class declares, by name, and ``depends``: the names whose values depend on its fields.

    A value that depends is that of a block with default fields that has loaded nothing, or None if there is no such
    block, or it takes a network to know it.
    """
    from voxstack import SequenceBlock

    names = OF_SEQUENCE if issubclass(cls, SequenceBlock) else OF_STREAM
    block = _default_block(cls)
    depends = [name for name in names if _depends(cls, name)]
    return {**{name: _value(cls, block, name) for name in names}, "depends": depends}


def declaration_lines(declared: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a block declares in words: the names and the stream on a line each, as far as there is something."""
    for name in ("needs", "gives"):
        if declared.get(name) or name in declared["depends"]:
            yield f"{name} {_in_words(declared, name)}"
    if "takes" not in declared:
        return
    start = "starts a stream" if declared["head"] else f"takes {_in_words(declared, 'takes', 'any stream')}"
    makes = _in_words(declared, "makes", "the same" if not declared["head"] else "any stream")
    yield f"{start}, makes {makes}"
    yield ", ".join(f"{name} {_in_words(declared, name, 'any')}" for name in ("hop", "lookahead", "lookback"))


def installed_version(distribution: str) -> str | None:
    """Return the version of an installed distribution, or None if it is not installed."""
    from voxstack.stack_plugins import installed_version as version

    return version(distribution)


def _in_words(declared: Mapping[str, Any], name: str, nothing: str = "") -> str:
    value = declared[name]
    if name in declared["depends"]:
        return "(it depends)" if value in (None, []) else f"{_plain(value)} (by default)"
    return nothing if value is None else _plain(value)


def _plain(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)


def _default_block(cls: type[Block]) -> Block | None:
    """Return a block with default fields, or None if it has fields without one."""
    try:
        return cls()
    except Exception:  # a third party's __post_init__ may raise anything
        return None


def _depends(cls: type[Block], name: str) -> bool:
    """Return whether a class computes a declaration, instead of stating it or leaving it at the default."""
    from voxstack import blocks

    owner = next((each for each in cls.__mro__ if name in vars(each)), None)
    plain = (blocks.Block, blocks.SequenceBlock, blocks.StreamableBlock)
    return owner not in plain and isinstance(vars(owner)[name], property)


def _value(cls: type[Block], block: Block | None, name: str) -> Any:
    if block is None:
        found = getattr(cls, name)
        if isinstance(found, property):
            if _depends(cls, name) or found.fget is None:
                return None
            found = found.fget(cls)  # a default of the abstract classes, which reads nothing
    else:
        try:
            found = getattr(block, name)
        except Exception:  # it takes a network to know it
            return None
    return sorted(found) if isinstance(found, frozenset | set) else found
