"""Differences of two addons, or of two stacks: what was added, removed or changed, by path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

Config = Mapping[str, Any]

SECTIONS = ("stack", "networks", "controls", "contexts", "golden", "measured")
"""Parts of an addon that are compared by themselves; the rest is its header, and files that no network has."""


@dataclass(frozen=True)
class Change:
    """A difference at a path. ``old`` or ``new`` is None where there is nothing."""

    section: str
    path: str
    kind: Literal["added", "removed", "changed"]
    old: Any = None
    new: Any = None


def compare_addons(old: Config, new: Config) -> list[Change]:
    """Return the differences of two addon.json: header, stack, networks, controls, contexts, golden files, files."""
    rest = {"files", "networks", *SECTIONS}
    heads = [{key: value for key, value in config.items() if key not in rest} for config in (old, new)]
    changes = [*compare_values(heads[0], heads[1], "", "header"), *compare_stacks(old.get("stack"), new.get("stack"))]
    networks = [{name: _network(spec, config) for name, spec in config["networks"].items()} for config in (old, new)]
    for change in compare_values(networks[0], networks[1], "networks", "networks"):
        section = "measured" if ".measured" in change.path else "networks"
        changes.append(Change(section, change.path, change.kind, change.old, change.new))
    for section in ("controls", "contexts"):
        changes += compare_values(old.get(section, {}), new.get(section, {}), section, section)
    golden, files = zip(*map(_other_files, (old, new)), strict=True)
    changes += compare_values(golden[0], golden[1], "", "golden")
    return changes + list(compare_values(files[0], files[1], "", "files"))


def compare_stacks(old: Any, new: Any) -> list[Change]:
    """Return the differences of the JSON of two stacks: blocks added, removed and changed, with their fields."""
    if old is None or new is None:
        return list(compare_values(old, new, "stack", "stack"))
    return list(_compare_blocks(_as_list(old), _as_list(new), "stack"))


def _compare_blocks(old: Sequence[Any], new: Sequence[Any], path: str) -> Iterator[Change]:
    """Yield the differences of two lists of blocks, of which those of the same type correspond, in order."""
    kinds = [[str(_type(block)) for block in blocks] for blocks in (old, new)]
    for tag, low, high, start, stop in SequenceMatcher(None, kinds[0], kinds[1], autojunk=False).get_opcodes():
        if tag == "equal":
            for index in range(high - low):
                yield from _compare_block(old[low + index], new[start + index], f"{path}[{start + index}]")
            continue
        for index in range(low, high):
            yield Change("stack", f"{path}[{index}]", "removed", old=old[index])
        for index in range(start, stop):
            yield Change("stack", f"{path}[{index}]", "added", new=new[index])


def _compare_block(old: Any, new: Any, path: str) -> Iterator[Change]:
    """Yield the differences of two blocks; blocks in their fields are compared as blocks."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        yield from compare_values(old, new, path, "stack")
        return
    if _type(old) != _type(new):
        yield Change("stack", path, "removed", old=old)
        yield Change("stack", path, "added", new=new)
        return
    for key in [*old, *(key for key in new if key not in old)]:
        one, two, place = old.get(key), new.get(key), f"{path}.{key}"
        if isinstance(one, list) and isinstance(two, list) and all(map(_type, [*one, *two])):
            yield from _compare_blocks(one, two, place)
        elif _type(one) and _type(two):
            yield from _compare_block(one, two, place)
        else:
            before, after = ({key: block[key]} if key in block else {} for block in (old, new))
            yield from compare_values(before, after, path, "stack")


def compare_values(old: Any, new: Any, path: str, section: str) -> Iterator[Change]:
    """Yield the differences of two JSON values; lists are compared as wholes, and so are numbers of equal value."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            place = f"{path}.{key}" if path else str(key)
            if key not in new:
                yield Change(section, place, "removed", old=old[key])
            elif key not in old:
                yield Change(section, place, "added", new=new[key])
            else:
                yield from compare_values(old[key], new[key], place, section)
    elif type(old) is bool or type(new) is bool:
        if old is not new:
            yield Change(section, path, "changed", old, new)
    elif old != new:
        kind: Literal["added", "removed", "changed"] = "changed"
        kind = "added" if old is None else "removed" if new is None else kind
        yield Change(section, path, kind, old, new)


def _network(spec: Config, config: Config) -> dict[str, Any]:
    """Return the spec of a network, its exports by format, with the hash and size of each file instead of its name."""
    found = {key: value for key, value in spec.items() if key != "exports"}
    if "exports" in spec:
        found["exports"] = {e["format"]: _hashes(e, config) for e in spec["exports"]}
    if isinstance(found.get("stateful"), Mapping):
        found["stateful"] = _network(found["stateful"], config)
    return found


def _hashes(export: Config, config: Config) -> dict[str, str]:
    keys = [key for key in ("symbol", "parameters") if key in export]
    return {key: _hash(export[key], config) for key in keys}


def _hash(name: str, config: Config) -> str:
    entry = config["files"].get(name, {})
    return f"sha256 {str(entry.get('sha256', '?'))[:12]}, {entry.get('size', '?')} bytes"


def _other_files(config: Config) -> tuple[dict[str, str], dict[str, str]]:
    """Return the hashes of the golden files, and of the others that are of no network."""
    specs = [spec for own in config["networks"].values() for spec in (own, own.get("stateful") or {})]
    exports = [export for spec in specs for export in spec.get("exports", ())]
    used = {export[key] for export in exports for key in ("symbol", "parameters") if key in export}
    golden = set(config.get("golden", ()))
    others = [name for name in config["files"] if name not in used | golden]
    return {name: _hash(name, config) for name in sorted(golden)}, {name: _hash(name, config) for name in others}


def _as_list(stack: Any) -> list[Any]:
    return stack if isinstance(stack, list) else [stack]


def _type(value: Any) -> str | None:
    kind = value.get("type") if isinstance(value, Mapping) else None
    return kind if isinstance(kind, str) else None
