"""Validation of the content of an addon.json: against its JSON Schema, then by rules that a schema cannot express."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

from voxstack_addon_spec.checks.config import config_findings
from voxstack_addon_spec.checks.finding import Finding
from voxstack_addon_spec.errors import AddonError
from voxstack_addon_spec.limits import size_finding
from voxstack_addon_spec.strict_schema import strict_validator as strict_validator
from voxstack_addon_spec.wording import problem, with_path

SPEC_VERSION = 3
MAX_VERSION = 1_000_000  # what is larger is no version
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
    if type(version) is int and SPEC_VERSION < version < MAX_VERSION:
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
    too_large = size_finding(config)
    if too_large:
        yield too_large
        return  # the work of the other checks has no limit
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
        for error in strict_validator()(control).iter_errors(control["default"]):
            yield (*path, *error.absolute_path), problem(error)


@functools.cache
def _validator() -> Any:
    schema = addon_schema()
    _resolve(schema, schema["$defs"])
    return strict_validator()(schema)


def _resolve(node: Any, definitions: dict[str, Any]) -> None:
    """Put the definitions themselves in place of references to them; looking those up takes a third of a validation."""
    for key, value in enumerate(node) if isinstance(node, list) else node.items() if isinstance(node, dict) else ():
        if isinstance(value, dict) and "$ref" in value:
            definition = definitions[value.pop("$ref").removeprefix("#/$defs/")]
            node[key] = {**value, "allOf": [definition]} if value else definition
        else:
            _resolve(value, definitions)
