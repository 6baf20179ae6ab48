"""A validator of JSON Schema (draft 2020-12) that reads numbers as JSON means them, and whose work is linear."""

from __future__ import annotations

import functools
import itertools
import math
import numbers
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

Holds = Callable[[Any, Any], bool]
"""Whether a value is as the value of a keyword requires."""


@functools.cache
def strict_validator() -> Any:
    """Return a validator class that differs from that of ``jsonschema`` for draft 2020-12 in four respects.

    1.0 is not an integer: Python cannot use a float as a count. NaN and infinity are no numbers: JSON has none.
    Patterns match the whole text: in Python ``$`` also matches before a final line feed, but in the standard only at
    the end. And the work grows in proportion to the value, whatever is in it: of the items of an array and the values
    of an object, only the first wrong one is reported, and ``message`` repeats no value (:func:`.wording.problem`
    words the error).
    """
    from jsonschema import Draft202012Validator, validators

    checker = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer).redefine("number", _is_number)
    keywords: dict[str, Any] = {name: _keyword(kind, holds) for name, (kind, holds) in _HOLDS.items()}
    keywords["type"] = _type
    standard = Draft202012Validator.VALIDATORS
    keywords |= {name: _first_only(standard[name]) for name in ("items", "propertyNames")}
    keywords["additionalProperties"] = _first_only(_in_order(standard["additionalProperties"]))
    extend: Any = validators.extend  # typed in some versions only
    return extend(Draft202012Validator, validators=keywords, type_checker=checker)


def identity(value: Any) -> Any:
    """Return a hashable value that is equal for equal values of JSON: 1 and 1.0 are equal, and 1 and true are not."""
    if isinstance(value, bool):
        return bool, value
    if isinstance(value, dict):
        return dict, frozenset((key, identity(inner)) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return list, tuple(identity(inner) for inner in value)
    return value


def _is_integer(_: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: object, value: object) -> bool:
    if not isinstance(value, numbers.Number) or isinstance(value, bool | complex):
        return False
    return isinstance(value, int) or math.isfinite(value)  # type: ignore[arg-type]


def _type(validator: Any, expected: Any, value: Any, _: object) -> Iterator[Any]:
    if not any(validator.is_type(value, name) for name in ([expected] if isinstance(expected, str) else expected)):
        yield _error()


def _keyword(kind: str | None, holds: Holds) -> Callable[..., Iterator[Any]]:
    """Return the check of a keyword that applies to values of one type, or to all."""

    def check(validator: Any, expected: Any, value: Any, _: object) -> Iterator[Any]:
        if (kind is None or validator.is_type(value, kind)) and not holds(value, expected):
            yield _error()

    return check


def _error() -> Any:
    from jsonschema import ValidationError  # takes 60 ms

    return ValidationError("is not as the keyword requires")


def _first_only(check: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """Return a check of all items or values of a container that ends with the first one that is wrong."""

    def first(*arguments: Any) -> Iterator[Any]:
        errors = iter(check(*arguments))
        error = next(errors, None)
        if error is not None:
            place = list(error.path)[:1]  # now, as the places around it are added later
            yield error
            yield from itertools.takewhile(lambda other: place and list(other.path)[:1] == place, errors)

    return first


def _in_order(check: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """Return the check of ``additionalProperties``, in the order of the object; the original has a random one."""

    def in_order(validator: Any, expected: Any, value: Any, schema: Any) -> Iterator[Any]:
        if not isinstance(expected, dict) or "patternProperties" in schema:
            yield from check(validator, expected, value, schema)
        elif validator.is_type(value, "object"):
            known = schema.get("properties", {})
            for key in value:
                if key not in known:
                    yield from validator.descend(value[key], expected, path=key)

    return in_order


def _is_one_of(value: Any, allowed: list[Any]) -> bool:
    try:
        return identity(value) in _identities(_Same(allowed))
    except TypeError:  # not a value of JSON
        return False


def _is(value: Any, expected: Any) -> bool:
    return bool(identity(value) == identity(expected))


class _Same:
    """A list as a key of a cache: equal to itself only."""

    def __init__(self, values: list[Any]) -> None:
        self.values = values

    def __hash__(self) -> int:
        return id(self.values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.values is self.values


@functools.lru_cache(maxsize=16)
def _identities(allowed: _Same) -> frozenset[Any]:
    """Return the identities of the values of an ``enum``, to which all items of an array are compared."""
    return frozenset(identity(value) for value in allowed.values)


def _is_multiple(value: Any, factor: Any) -> bool:
    if isinstance(value, int) and isinstance(factor, int):
        return value % factor == 0
    try:
        quotient: float = value / factor
        return int(quotient) == quotient
    except OverflowError:  # beyond all floats
        return bool(Fraction(value) % Fraction(factor) == 0)


_HOLDS: dict[str, tuple[str | None, Holds]] = {
    "enum": (None, _is_one_of),
    "const": (None, _is),
    "pattern": ("string", lambda value, pattern: re.fullmatch(pattern, value) is not None),
    "minLength": ("string", lambda value, bound: len(value) >= bound),
    "maxLength": ("string", lambda value, bound: len(value) <= bound),
    "minItems": ("array", lambda value, bound: len(value) >= bound),
    "maxItems": ("array", lambda value, bound: len(value) <= bound),
    "uniqueItems": ("array", lambda value, unique: not unique or len({identity(x) for x in value}) == len(value)),
    "minProperties": ("object", lambda value, bound: len(value) >= bound),
    "maxProperties": ("object", lambda value, bound: len(value) <= bound),
    "minimum": ("number", lambda value, bound: value >= bound),
    "maximum": ("number", lambda value, bound: value <= bound),
    "exclusiveMinimum": ("number", lambda value, bound: value > bound),
    "exclusiveMaximum": ("number", lambda value, bound: value < bound),
    "multipleOf": ("number", _is_multiple),
}
