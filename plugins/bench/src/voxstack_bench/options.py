"""What the commands of this plugin have in common."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

STDOUT = "-"


def common_options(parser: argparse.ArgumentParser) -> None:
    """Add the addon, ``--context``, ``--trust``, ``--timeout``, ``--json`` and ``--quiet``."""
    parser.add_argument("addon", metavar="ADDON", help="an installed addon by name, or a folder or .zip")
    told = (
        "one of the contexts: a name from the addon's, 'auto', runtime:device such as onnx:cuda, or JSON; may be given again "
        "(default: all that the addon names, and all devices of this machine)"
    )
    parser.add_argument("--context", action="append", type=_context, metavar="CONTEXT", dest="contexts", help=told)
    parser.add_argument(
        "--trust", action="store_true", help="let code in the addon run; what was installed with pip is trusted"
    )
    parser.add_argument(
        "--timeout", type=positive, default=None, metavar="S", help="seconds that one step may take (default: 300)"
    )
    parser.add_argument(
        "--json", metavar="FILE", help='write all that was found as JSON; "-" writes it to stdout, and no table'
    )
    parser.add_argument("--quiet", action="store_true", help="tell no progress on stderr")


def positive(text: str) -> float:
    """Parse a number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, and got {text!r}")
    return value


def common_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """Return what :func:`check` and :func:`bench` are to be called with."""
    from voxstack_bench.process import TIMEOUT

    return {
        "contexts": options.contexts,
        "trust": options.trust,
        "registry": options.registry,
        "timeout": options.timeout or TIMEOUT,
        "tell": (lambda line: None) if options.quiet else progress,
    }


def progress(line: str) -> None:
    """Print a line on stderr."""
    print(f"voxstack: {line}", file=sys.stderr, flush=True)


def check_out(out: str | None) -> None:
    """Check the place of ``--json`` before anything is measured for it.

    :raises OSError: if it cannot be written.
    """
    if out is not None and out != STDOUT:
        with Path(out).open("a"):
            pass


def write_out(found: dict[str, Any], out: str | None, lines: Callable[[], Any]) -> None:
    """Write JSON where it is wanted, and the table unless JSON has taken stdout."""
    if out is not None:
        text = json.dumps(_finite(found), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        if out == STDOUT:
            sys.stdout.write(text)
            return
        Path(out).write_text(text, "utf-8")
    print("\n".join(lines()))


def _finite(value: Any) -> Any:
    """The same with None for numbers that JSON has not."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not -float("inf") < value < float("inf") else value


def _context(text: str) -> str | dict[str, Any]:
    if not text.lstrip().startswith("{"):
        return text
    try:
        value: dict[str, Any] = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no JSON object: {error}") from error
    return value
