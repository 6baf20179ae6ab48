"""Checks the content of an addon.json: against the schema, then what the schema cannot say."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

from voxstack_addon_spec.checks import findings
from voxstack_addon_spec.errors import AddonError
from voxstack_addon_spec.streaming import Finding
from voxstack_addon_spec.wording import at, cut, problem

SPEC_VERSION = 3
FIRST = ("additionalProperties", "type")  # of the errors in one place, these explain the others


def addon_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of addon.json, a copy of the caller's own."""
    import importlib.resources  # 5 ms that few need

    text = importlib.resources.files("voxstack_addon_spec").joinpath("schema/addon.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def validate_config(config: object, where: str) -> None:
    """Check that ``config`` is the content of a valid addon.json. The files that it lists are not looked at.

    :param where: what to call it in errors, e.g. ``amber/addon.json``.
    :raises AddonError: the first thing that is wrong, with its place: ``amber/addon.json: networks.decoder.role``.
    """
    version = config.get("spec_version") if isinstance(config, dict) else None
    if type(version) is int and version > SPEC_VERSION:
        raise AddonError(
            at(where, "spec_version"),
            f"made for a newer voxstack (addon format {version}; this one reads up to {SPEC_VERSION}); "
            "upgrade with: pip install -U voxstack-addon-spec",
        )
    try:
        found = next(_all_findings(config), None)
    except RecursionError as error:
        raise AddonError(where, "objects or arrays are nested too deeply; make it flatter") from error
    if found:
        path, text = found
        raise AddonError(at(where, *path), text)


def _all_findings(config: Any) -> Iterator[Finding]:
    errors = sorted(_validator().iter_errors(config), key=_rank)
    if errors:
        yield tuple(errors[0].absolute_path), problem(errors[0])
        return  # what follows takes for granted what the schema says
    yield from _default_findings(config["controls"])
    yield from findings(config)


def _rank(error: Any) -> tuple[int, int]:
    """Outer places before inner ones; otherwise, sorting being stable, in the order of the schema."""
    return len(error.absolute_path), FIRST.index(str(error.validator)) if error.validator in FIRST else len(FIRST)


def _default_findings(controls: dict[str, Any]) -> Iterator[Finding]:
    for name, control in controls.items():
        if "default" not in control:
            continue
        path = ("controls", name, "default")
        try:
            for error in strict_validator()(control).iter_errors(control["default"]):
                yield (
                    (*path, *error.absolute_path),
                    f"{cut(error.message)}; the default must be a value that is allowed",
                )
        except OverflowError:  # an integer beyond all floats, and multipleOf
            yield path, "is too large to be checked; the default must be a value that is allowed"


@functools.cache
def _validator() -> Any:
    return strict_validator()(addon_schema())


@functools.cache
def strict_validator() -> Any:
    """Return a validator class for which 1.0 is no integer, and a pattern must match to the end.

    JSON Schema lets 24000.0 pass as an integer, which Python then cannot count with; and where the standard means the
    very end by ``$``, Python also stops before a last line feed.
    """
    from jsonschema import Draft202012Validator, ValidationError, validators

    def is_integer(_: object, value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    def pattern(_: object, wanted: str, value: object, __: object) -> Iterator[ValidationError]:
        if isinstance(value, str) and not re.fullmatch(wanted, value):
            yield ValidationError(f"{value!r} does not match {wanted!r}")

    checker = Draft202012Validator.TYPE_CHECKER.redefine("integer", is_integer)
    extend: Any = validators.extend  # typed in some versions only
    return extend(Draft202012Validator, validators={"pattern": pattern}, type_checker=checker)
