"""The ``--context`` option."""

from __future__ import annotations

import argparse
import json
from typing import Any


def context_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--context``: a name, or an object of JSON."""
    told = """where networks run: a name from the addon's contexts, or JSON such as '{"runtime": "onnx", "threads": 2}'"""
    parser.add_argument("--context", type=_context, metavar="CONTEXT", help=told)


def _context(text: str) -> str | dict[str, Any]:
    if not text.lstrip().startswith("{"):
        return text
    try:
        value: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no JSON object: {error}") from error
    return value
