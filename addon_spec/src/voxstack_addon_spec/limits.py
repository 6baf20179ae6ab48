"""Limits of what an addon may make large, as far as they are not in the JSON Schema.

An addon may come from anyone, so everything that a reader stores, repeats in a message or computes from has a limit.
Each is far above what voices need.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any

from voxstack_addon_spec.checks.finding import Finding

MAX_VALUES = 100_000
"""Objects, arrays, texts, numbers, true, false and null in one addon.json."""

MAX_DEPTH = 64
"""Objects and arrays inside each other."""

MAX_TEXT = 65_536
"""Characters of a text."""

MAX_KEY = 512
"""Characters of a key, which may be the name of a file."""

MAX_INTEGER = 2**63 - 1
"""The largest absolute value of an integer: what 64 bits hold."""

MAX_BLOCKS = 1_000
"""Blocks of a stack, those inside others included."""

MAX_NESTED = 12
"""Blocks inside each other."""

MAX_ELEMENTS = 2**24
"""Elements of one array of fixed lengths: 64 MiB as float32."""

MAX_STATE = 2**24
"""Elements of all states of one network before its first call: 64 MiB as float32."""

MAX_COMBINATIONS = 256
"""Combinations of fixed sizes of one network, each of which is compiled and runs once when the network is opened."""

MAX_THREADS = 256
"""Threads of one call of a network."""

MAX_BATCH = 1_024
"""Calls of a network that may run as one."""

MAX_SIZES = 64
"""Sizes of one axis in a context."""

MAX_SIZE = 65_536
"""Steps of a fixed size of an axis."""

MAX_FRAMES = 65_536
"""Frames of a chunk in a schedule."""

MAX_GROWTH = 1_000
"""Ratio of the length of a chunk to that of the previous one."""

FEWER_VALUES = "keep tables in files of their own"

_Place = tuple[Any, Any] | None
"""The place of a value: that of the value that it is in, and its key there; None for the outermost value."""


def size_finding(config: object) -> Finding | None:
    """Return the first value that exceeds the limits, outer places first, or None.

    The work is linear in the number of values, and ends at the limit.
    """
    pending: deque[tuple[object, _Place, int]] = deque([(config, None, 1)])
    count = 1
    while pending:
        value, place, depth = pending.popleft()
        problem = _problem(value)
        if isinstance(value, Mapping | list):
            count += len(value)
            if depth > MAX_DEPTH:
                problem = f"lies inside more than {MAX_DEPTH} objects or arrays; flatten them"
            elif count > MAX_VALUES:
                problem = f"with this, the addon has more than {MAX_VALUES} values; {FEWER_VALUES}"
            else:
                items = value.items() if isinstance(value, Mapping) else enumerate(value)
                pending.extend((inner, (place, key), depth + 1) for key, inner in items)
        if problem:
            return _path(place), problem
    return None


def _problem(value: object) -> str | None:
    """Return what is wrong with one value, apart from the values inside it."""
    if isinstance(value, str):
        return _text_problem(value, MAX_TEXT, "text")
    if isinstance(value, Mapping):
        problems = (_text_problem(key, MAX_KEY, "key") for key in value)
        return next((problem for problem in problems if problem), None)
    if isinstance(value, int) and not -MAX_INTEGER <= value <= MAX_INTEGER:
        return "is an integer that 64 bits do not hold; write a smaller one"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is not a finite number; write a finite one"
    return None


def _text_problem(text: object, limit: int, kind: str) -> str | None:
    if not isinstance(text, str):
        return f"has a {kind} that is not a text; write a text"
    if len(text) > limit:
        return f"has a {kind} of {len(text)} characters, and at most {limit} are allowed; shorten it"
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        return f"has a {kind} with half of a surrogate pair, which is no character; write the character itself"
    return None


def _path(place: _Place) -> tuple[str | int, ...]:
    keys: list[str | int] = []
    while place is not None:
        place, key = place
        keys.append(key)
    return tuple(reversed(keys))
