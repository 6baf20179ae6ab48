"""Options, progress and output that the commands share."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxstack_bench.complete_file import check_writable, write_complete_file

if TYPE_CHECKING:
    from voxstack_addon_spec import ContextLike

STDOUT = "-"


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Add the addon, ``--context``, ``--trust``, ``--timeout``, ``--limit``, ``--json`` and ``--quiet``."""
    parser.add_argument("addon", metavar="ADDON", help="an installed addon by name, or a folder or .zip")
    contexts = (
        "a context: a name from the addon's, 'auto', runtime:device such as onnx:cuda, or JSON; repeat it for several "
        "(default: all that the addon names, and all devices of this machine)"
    )
    parser.add_argument("--context", action="append", type=_context, metavar="CONTEXT", dest="contexts", help=contexts)
    parser.add_argument(
        "--trust", action="store_true", help="run code in the addon; addons installed with pip are trusted"
    )
    parser.add_argument(
        "--timeout", type=_positive, default=None, metavar="S", help="limit of one step, in seconds (default: 300)"
    )
    limit = "largest difference that passes, relative to the peak of the golden output (default: 1e-3)"
    parser.add_argument("--limit", type=_positive, default=1e-3, metavar="X", help=limit)
    parser.add_argument(
        "--json", metavar="FILE", help='write all results as JSON; "-": to stdout, instead of the tables'
    )
    parser.add_argument("--quiet", action="store_true", help="print no progress on stderr")


def common_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments that :func:`voxstack_bench.check` and :func:`voxstack_bench.bench` have in common."""
    from voxstack_bench.process.worker import TIMEOUT

    return {
        "contexts": options.contexts,
        "trust": options.trust,
        "registry": options.registry,
        "timeout": options.timeout or TIMEOUT,
        "limit": options.limit,
        "progress": (lambda line: None) if options.quiet else print_progress,
    }


def print_progress(line: str) -> None:
    """Print a line on stderr, if that is possible."""
    if sys.stderr is not None:  # print() would write to stdout instead
        with suppress(OSError, ValueError):
            print(f"voxstack: {line}", file=sys.stderr, flush=True)


def check_output(file: str | None) -> None:
    """Check that the file of ``--json`` can be written, before anything is measured for it.

    :raises RequestError: if it cannot.
    """
    if file is not None and file != STDOUT:
        check_writable(Path(file))


def write_output(result: dict[str, Any], file: str | None, lines: Callable[[], Iterable[str]]) -> None:
    """Write the JSON to the file of ``--json``, and print the tables unless the JSON goes to stdout.

    :raises RequestError: if the file cannot be written; the tables are printed before.
    """
    if file != STDOUT:
        print("\n".join(lines()), flush=True)
    if file is not None:
        text = json.dumps(_finite(result), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        if file == STDOUT:
            print(text, end="")
        else:
            write_complete_file(Path(file), text)


def _finite(value: Any) -> Any:
    """Return the value with None for infinities and NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not -float("inf") < value < float("inf") else value


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, not {text!r}")
    return value


def _context(text: str) -> ContextLike:
    from voxstack_addon_spec import ContextError, parse_context

    try:
        return parse_context(text)
    except ContextError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
