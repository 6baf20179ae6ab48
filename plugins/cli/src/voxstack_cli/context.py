"""Contexts on the command line: the ``--context`` option, and what is told of them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxstack import Voice
    from voxstack.networks import Context


def context_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--context``: a name, ``runtime:device``, or an object of JSON."""
    told = (
        "where networks run: a name from the addon's contexts, 'auto' (what 'voxstack bench' found best here), runtime:device "
        """such as onnx:cuda or openvino:NPU, or JSON such as '{"runtime": "onnx", "threads": 2}'"""
    )
    parser.add_argument("--context", type=_context, metavar="CONTEXT", help=told)


def _context(text: str) -> str | dict[str, Any]:
    if not text.lstrip().startswith("{"):
        return text
    try:
        value: dict[str, Any] = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no JSON object: {error}") from error
    return value


def found_elsewhere(voice: Voice) -> str | None:
    """Return what a plugin took for the name of the context that was asked for, in a line; None if no plugin was asked."""
    context = voice.addon.context
    named = voice.addon.config.get("contexts", {})
    if not context.name or context.name in named or context.name == f"{context.runtime}:{context.device}":
        return None
    return f"context {context.name!r}: {context.description or ', '.join(parts(context))}"


def parts(context: Context) -> Iterator[str]:
    """Yield what a context asks for, in words; what is as usual is left out."""
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
    for key, value in (*context.schedule.items(), *context.options.items()):
        yield f"{key} {value if isinstance(value, str) else json.dumps(value)}"
    for name, inner in context.networks.items():
        yield f"{name} in ({', '.join(parts(inner))})"
