"""The views of voices, blocks and addons in a notebook. Every text of theirs is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from voxstack.blocks import Block
from voxstack.errors import PluginError
from voxstack.networks.addon import Addon
from voxstack_voice.display.nodes import shortened, streaming_line
from voxstack_voice.display.stack_graph import graph

MAX_ROWS = 60
"""Rows of a table; further ones are counted."""


def notebook_view(thing: Any) -> dict[str, str]:
    """Return what a notebook shows of a voice, a block or an addon, by media type.

    :raises PluginError: for anything else.
    """
    if isinstance(thing, Block):
        drawn = graph(thing)
        return {"text/html": drawn.svg(), "image/svg+xml": drawn.svg(), "text/plain": repr(thing)[:2000]}
    if isinstance(thing, Addon):
        return {"text/html": _addon(thing), "text/plain": f"<addon {thing.name}>"}
    if isinstance(getattr(thing, "addon", None), Addon):
        html = f"{_head(thing.addon)}{_controls(thing.controls)}{thing.graph().svg()}"
        return {"text/html": html, "text/plain": f"<voice {thing.name}, {thing.sample_rate} Hz>"}
    raise PluginError(f"no view of a {type(thing).__name__} is installed")


def _head(addon: Addon) -> str:
    config = addon.config
    languages = ", ".join(config.get("languages", ())) or "no language"
    facts = f"{languages}, {config['sample_rate']} Hz, {config.get('license', 'no license')}"
    place = addon.context.name or f"{addon.context.runtime}:{addon.context.device}"
    title = f"<b>{escape(shortened(addon.name))}</b> {escape(shortened(str(config.get('version', ''))))}"
    about = escape(str(config.get("description", ""))[:500])
    return f"<div>{title}: {escape(facts[:200])}; context {escape(shortened(place))}<br>{about}</div>"


def _addon(addon: Addon) -> str:
    networks = [
        (name, spec.role, streaming_line(spec), ", ".join(sorted(spec.inputs)), ", ".join(sorted(spec.outputs)))
        for name, spec in addon.networks.items()
    ]
    size = sum(entry["size"] for entry in addon.config.get("files", {}).values())
    files = f"<div>{len(addon.config.get('files', {}))} files, {size / 1e6:.1f} MB</div>"
    table = _table(("network", "role", "streaming", "inputs", "outputs"), networks)
    return f"{_head(addon)}{table}{_controls(addon.config.get('controls', {}))}{_stack(addon)}{files}"


def _stack(addon: Addon) -> str:
    rows = list(_stack_rows(addon.config.get("stack", []), ""))
    return _table(("block", "place"), rows) if rows else "<div>no stack</div>"


def _stack_rows(value: Any, path: str) -> Iterable[tuple[str, str]]:
    """Yield the type and path of each block in the JSON of a stack."""
    if isinstance(value, Mapping):
        if isinstance(value.get("type"), str):
            yield value["type"], path
        for key, inner in value.items():
            yield from _stack_rows(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _stack_rows(inner, f"{path or 'stack'}[{index}]")


def _controls(controls: Mapping[str, Any]) -> str:
    rows = [
        (name, str(schema.get("default", "")), _range(schema), str(schema.get("description", "")))
        for name, schema in controls.items()
    ]
    return _table(("control", "default", "values", ""), rows) if rows else ""


def _range(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    low, high = schema.get("minimum"), schema.get("maximum")
    return "" if low is None and high is None else f"{'' if low is None else low} to {'' if high is None else high}"


def _table(head: Iterable[str], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table, its cells aligned to the left."""
    style = ' style="text-align:left;padding-right:1em"'
    lines = ["<table><tr>" + "".join(f"<th{style}>{escape(cell)}</th>" for cell in head) + "</tr>"]
    for row in rows[:MAX_ROWS]:
        lines.append("<tr>" + "".join(f"<td{style}>{escape(cell[:300])}</td>" for cell in row) + "</tr>")
    more = f"<div>and {len(rows) - MAX_ROWS} more</div>" if len(rows) > MAX_ROWS else ""
    return "".join([*lines, "</table>", more])
