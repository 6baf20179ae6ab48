"""Validation of the content of an addon.json: against its JSON Schema, then by rules that a schema cannot express."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

from voxstack_addon_spec.checks.config import config_findings
from voxstack_addon_spec.checks.finding import Finding
from voxstack_addon_spec.errors import AddonError
from voxstack_addon_spec.wording import problem, with_path

SPEC_VERSION = 3
FIRST = ("additionalProperties", "type")  # of the errors at one place, these explain the others


def addon_schema() -> dict[str, Any]:
    """Return a new copy of the JSON Schema (draft 2020-12) of addon.json."""
    import importlib.resources  # takes 5 ms, and few importers need it

    text = importlib.resources.files("voxstack_addon_spec").joinpath("schema/addon.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def validate_config(config: object, where: str) -> None:
    """Check that ``config`` is the content of a valid addon.json, without reading the files that it lists.

    :param where: its name in errors, e.g. ``amber/addon.json``.
    :raises AddonError: for the first problem, with its place: ``amber/addon.json: networks.decoder.role``.
    """
    version = config.get("spec_version") if isinstance(config, dict) else None
    if type(version) is int and version > SPEC_VERSION:
        reason = f"needs a newer voxstack (addon format {version}; this version reads up to {SPEC_VERSION})"
        advice = "upgrade with: pip install -U voxstack-addon-spec"
        raise AddonError(with_path(where, "spec_version"), f"{reason}; {advice}")
    try:
        finding = next(_all_findings(config), None)
    except RecursionError as error:
        raise AddonError(where, "objects or arrays are nested too deeply; flatten them") from error
    if finding:
        path, text = finding
        raise AddonError(with_path(where, *path), text)


def _all_findings(config: Any) -> Iterator[Finding]:
    errors = sorted(_validator().iter_errors(config), key=_rank)
    if errors:
        yield tuple(errors[0].absolute_path), problem(errors[0])
        return  # the other checks rely on the schema
    yield from _default_findings(config["controls"])
    yield from config_findings(config)


def _rank(error: Any) -> tuple[int, int]:
    """Return a sort key: outer places first, then :data:`FIRST`; the stable sort keeps the schema's order otherwise."""
    return len(error.absolute_path), FIRST.index(str(error.validator)) if error.validator in FIRST else len(FIRST)


def _default_findings(controls: dict[str, Any]) -> Iterator[Finding]:
    for name, control in controls.items():
        if "default" not in control:
            continue
        path = ("controls", name, "default")
        try:
            for error in strict_validator()(control).iter_errors(control["default"]):
                yield (*path, *error.absolute_path), problem(error)
        except OverflowError:  # multipleOf of an integer beyond all floats
            yield path, "is too large to be checked; write a default that the control allows"


@functools.cache
def _validator() -> Any:
    return strict_validator()(addon_schema())


@functools.cache
def strict_validator() -> Any:
    """Return a validator class for which 1.0 is not an integer, and patterns match the whole text.

    JSON Schema accepts 24000.0 as an integer, but Python cannot use a float as a count. In the standard, ``$`` means
    the very end of the text; in Python it also matches before a final line feed.
    """
    from jsonschema import Draft202012Validator, ValidationError, validators

    def is_integer(_: object, value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    def pattern(_: object, expected: str, value: object, __: object) -> Iterator[ValidationError]:
        if isinstance(value, str) and not re.fullmatch(expected, value):
            yield ValidationError(f"{value!r} does not match {expected!r}")

    checker = Draft202012Validator.TYPE_CHECKER.redefine("integer", is_integer)
    extend: Any = validators.extend  # typed in some versions only
    return extend(Draft202012Validator, validators={"pattern": pattern}, type_checker=checker)
