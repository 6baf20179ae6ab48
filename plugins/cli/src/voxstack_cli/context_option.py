"""The ``--context`` option, and contexts in words."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voxstack import Voice
    from voxstack.networks import Context, ContextLike


def add_context_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--context``: a name, ``runtime:device``, or a JSON object."""
    description = (
        "where networks run: a context of the addon by name, 'auto' (what 'voxstack bench' found best here), "
        "runtime:device such as onnx:cuda or openvino:NPU, or JSON such as "
        """'{"runtime": "onnx", "threads": 2}'"""
    )
    parser.add_argument("--context", type=_context, metavar="CONTEXT", help=description)


def _context(text: str) -> ContextLike:
    from voxstack_addon_spec import ContextError, parse_context

    try:
        return parse_context(text)
    except ContextError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def describe_resolved_context(voice: Voice) -> str | None:
    """Return a line on the context that a plugin resolved from a name, such as ``auto``; None if no plugin did."""
    context = voice.addon.context
    own = voice.addon.config.get("contexts", {})
    if not context.name or context.name in own or context.name == f"{context.runtime}:{context.device}":
        return None
    return f"context {context.name!r}: {context.description or describe_context(context)}"


def describe_context(context: Context) -> str:
    """Describe what a context requests, without what is the default."""
    return ", ".join(_parts(context))


def _parts(context: Context) -> Iterator[str]:
    yield f"{context.runtime}:{context.device}"
    if context.threads != 1:
        yield f"{context.threads} threads"
    if context.precision != "float32":
        yield context.precision
    for axis, sizes in context.shapes.items():
        yield f"{axis} {'/'.join(map(str, sizes))}"
    if not context.split:
        yield "nothing split"
    if context.streaming:
        yield context.streaming
    if context.batch != 1:
        yield f"batches of {context.batch}"
    if context.isolate:
        yield f"isolated, {context.memory} MB"
    for key, value in (*context.schedule.items(), *context.options.items()):
        yield f"{key} {value if isinstance(value, str) else json.dumps(value)}"
    for name, inner in context.networks.items():
        yield f"{name} in ({describe_context(inner)})"
