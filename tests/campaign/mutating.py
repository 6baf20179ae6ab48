"""Mutations of JSON documents, of their text, and of files: seeded, and aware of the structure."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

Path = tuple[str | int, ...]

HUGE = "@huge@"
"""Stands for an integer of 5000 digits, which Python does not write."""

SCALARS: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 3, 255, 257, 4096, 65_537, 10**6, 2**31 - 1, 2**31, 2**32, 2**53 + 1),
    *(2**63 - 1, 2**63, -(2**63), 10**400, HUGE, 0.0, -0.0, 1.0, 1.5, -2.5, 1e-320, 1e-9, 1e9, 1e308),
    *("", " ", "x", "batch", "frames", "tokens", "onnx", "onnx:cpu", "python", "torch", "openvino:CPU", "default"),
    *("..", "../x", "/etc/passwd", "C:/x", "a\\b", "a/b/c", "a//b", "con", "x.", "addon.json", "addon.json.sig"),
    *("\0", "\n", "\ud800", "é", "ﬁ", "\u202e", "😀", "a" * 300, "a" * 70_000, "1e999", "NaN", "null", "0.1"),
    *("__class__", "self", "type", "float32", "bool", "int8", "normal", "stateful", "decoder", "network", "x" * 64),
)

KEYS = (
    *(value for value in SCALARS if isinstance(value, str) and value != HUGE),
    *("a.b", "a[0]", "$ref", "$schema", "properties", "pattern", "not", "allOf", "default", "addon", "sha256", "steps"),
    *("states", "end", "streaming", "stateful", "autoregressive", "lengths", "noise", "mask", "parameters", "networks"),
)


def places(node: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every value inside a document."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def at(node: Any, path: Path) -> Any:
    """Return the value at a path."""
    for key in path:
        node = node[key]
    return node


def any_value(chance: Random, document: Any, others: tuple[Any, ...] = ()) -> Any:
    """Return a value: an extreme one, one of any type, or a part of a document."""
    kind = chance.randrange(10)
    if kind < 5:
        return chance.choice(SCALARS)
    if kind < 7:
        source = chance.choice((document, *others))
        return copy.deepcopy(at(source, chance.choice(list(places(source)) or [()])))
    if kind == 7:
        return chance.choice(([], {}, [[]], [1], ["x", "x"], {"": {}}, [{}], {"type": "Gain"}, {"x": 1}))
    if kind == 8:
        return [chance.choice(SCALARS) for _ in range(chance.choice((2, 20, 300)))]
    return _nested(chance.choice(("x", 1, {})), chance.choice((3, 30, 70, 100)), chance)


def mutate(document: Any, chance: Random, others: tuple[Any, ...] = ()) -> None:
    """Change one value in place.

    :param others: documents whose parts may be put in.
    """
    found = list(places(document))
    if not found:
        return
    path = chance.choice(found)
    parent, key = at(document, path[:-1]), path[-1]
    chance.choice(_EDITS)(parent, key, chance, document, others)


def text_of(document: Any, chance: Random, spoil: bool) -> bytes:
    """Return a document as the bytes of a file; if ``spoil``, with a fault in the text."""
    text = json.dumps(document, ensure_ascii=chance.random() < 0.8, default=str)
    text = text.replace(json.dumps(HUGE), "9" * 5000)
    data = text.encode("utf-8", "surrogatepass")
    return chance.choice(_TEXT_FAULTS)(data, chance) if spoil else data


def damaged(data: bytes, chance: Random) -> bytes:
    """Return the content of a file with bytes changed, cut off, removed or added."""
    if not data:
        return b"x"
    start = chance.randrange(len(data))
    size = min(chance.choice((1, 1, 4, 64, 4096)), len(data) - start)
    kind = chance.randrange(5)
    if kind == 0:
        return data[:start]
    if kind == 1:
        return data[:start] + data[start + size :]
    if kind == 2:
        return data[:start] + data[start : start + size] * 2 + data[start + size :]
    filling = chance.randbytes(size) if kind == 3 else bytes([chance.choice((0, 0xFF, 0x7F, 0x80))]) * size
    return data[:start] + filling + data[start + size :]


def _nested(value: Any, depth: int, chance: Random) -> Any:
    for _ in range(depth):
        value = [value] if chance.random() < 0.5 else {chance.choice(("items", "block", "type", "x")): value}
    return value


Edit = Callable[[Any, Any, Random, Any, tuple[Any, ...]], None]


def _put(parent: Any, key: Any, chance: Random, document: Any, others: tuple[Any, ...]) -> None:
    parent[key] = any_value(chance, document, others)


def _remove(parent: Any, key: Any, chance: Random, document: Any, others: tuple[Any, ...]) -> None:
    del parent[key]


def _add(parent: Any, key: Any, chance: Random, document: Any, others: tuple[Any, ...]) -> None:
    if isinstance(parent, dict):
        parent[chance.choice(KEYS)] = any_value(chance, document, others)
    else:
        parent.insert(key, any_value(chance, document, others))


def _rename(parent: Any, key: Any, chance: Random, document: Any, others: tuple[Any, ...]) -> None:
    if isinstance(parent, dict):
        value = parent.pop(key)
        parent[chance.choice((chance.choice(KEYS), key.upper(), key + "x", key[1:], key * 40))] = value
    else:
        parent.insert(chance.randrange(len(parent)), parent.pop(key))


def _repeat(parent: Any, key: Any, chance: Random, document: Any, others: tuple[Any, ...]) -> None:
    size = 1 + sum(1 for _ in places(parent[key]))
    times = min(chance.choice((1, 2, 40, 300)), 30_000 // size)
    if isinstance(parent, list):
        parent[key:key] = [copy.deepcopy(parent[key]) for _ in range(times)]
    else:
        parent.update({f"{key[:50]}{number}": copy.deepcopy(parent[key]) for number in range(times)})


def _swap(parent: Any, key: Any, chance: Random, document: Any, others: tuple[Any, ...]) -> None:
    other = chance.choice(list(places(document)))
    target = at(document, other[:-1])
    first, second = copy.deepcopy(parent[key]), copy.deepcopy(target[other[-1]])
    target[other[-1]] = first
    parent[key] = second


def _tweak(parent: Any, key: Any, chance: Random, document: Any, others: tuple[Any, ...]) -> None:
    value = parent[key]
    if isinstance(value, bool) or value is None:
        parent[key] = not value
    elif isinstance(value, int | float):
        parent[key] = chance.choice((value + 1, value - 1, -value, value * 2, value * 1000, str(value), [value]))
    elif isinstance(value, str):
        at_ = chance.randrange(len(value) + 1)
        choices = (value[:at_], value[at_:], value * 2, value.upper(), value[:at_] + chance.choice(KEYS) + value[at_:])
        parent[key] = chance.choice(choices)
    else:
        parent[key] = chance.choice(([value], {"x": value}, list(value), [], {}))


_EDITS: tuple[Edit, ...] = (_put, _put, _put, _remove, _add, _rename, _repeat, _swap, _tweak, _tweak, _tweak)


def _insert(what: bytes) -> Callable[[bytes, Random], bytes]:
    def insert(data: bytes, chance: Random) -> bytes:
        start = chance.randrange(len(data) + 1)
        return data[:start] + what + data[start:]

    return insert


def _replace(old: bytes, new: bytes) -> Callable[[bytes, Random], bytes]:
    def replace(data: bytes, chance: Random) -> bytes:
        count = data.count(old)
        if not count:
            return data + new
        start = -1
        for _ in range(chance.randrange(count) + 1):
            start = data.index(old, start + 1)
        return data[:start] + new + data[start + len(old) :]

    return replace


_TEXT_FAULTS: tuple[Callable[[bytes, Random], bytes], ...] = (
    damaged,
    damaged,
    _insert(b"NaN"),
    _insert(b"\xff\xfe"),
    _insert(b'"a": 1, "a": 2,'),
    _insert(b"[" * 3000),
    _insert(b"{" * 200_000),
    _replace(b"1", b"NaN"),
    _replace(b"1", b"-Infinity"),
    _replace(b"1", b"1e400"),
    _replace(b"1", b"1.0"),
    _replace(b": ", b": " + b"[" * 900 + b"]" * 900 + b", "),
    _replace(b'"', b'"\\ud800'),
    lambda data, _: b"\xef\xbb\xbf" + data,
    lambda data, _: data.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass"),
)


_NUMBERS = (0, 1, 2, 3, 5, 16, 63, 64, 1000, 10**5, 10**6, 2**31, 2**40, 0.5, 1e-3, 1e-12, 1e4, 1e30, -1, -0.5, -1e9)


def tune(document: Any, chance: Random) -> None:
    """Change a number, or a text to another of the document, where many values are valid."""
    found = [path for path in places(document) if path[0] not in ("files", "golden", "name", "version", "spec_version")]
    scalars = [path for path in found if not isinstance(at(document, path), dict | list)]
    path = chance.choice(scalars)
    parent, value = at(document, path[:-1]), at(document, path)
    if isinstance(value, bool):
        parent[path[-1]] = not value
    elif isinstance(value, int | float):
        parent[path[-1]] = chance.choice(_NUMBERS)
    elif isinstance(value, str):
        texts = [text for text in (at(document, other) for other in scalars) if isinstance(text, str)]
        parent[path[-1]] = chance.choice((*texts, value + "s"))


def changed_config(config: Mapping[str, Any], chance: Random, others: tuple[Any, ...]) -> bytes:
    """Return the bytes of an addon.json with one to four mutations."""
    document = json.loads(json.dumps(config))  # faster than a deep copy
    if chance.random() < 0.5:
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            tune(document, chance)
        return text_of(document, chance, spoil=False)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        mutate(document, chance, others)
    return text_of(document, chance, spoil=chance.random() < 0.08)
