"""``voxstack check``: whether an addon gives here what it gave where it was made, in every context."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from voxstack_bench.options import check_out, common_arguments, common_options, positive, progress, write_out

if TYPE_CHECKING:
    from voxstack_bench.checking import Checked, Report

FAIL, USAGE = 1, 2


def command(parser: argparse.ArgumentParser) -> None:
    """Check an addon's results in every context.

    Compares every network of an addon, and the whole stack, with the golden vectors that were recorded when it was built, each
    context in a fresh process. Exit status: 0 if something was compared and nothing failed; 1 if anything failed, or a
    requested context is unavailable; 2 if there is no such addon or context.
    """
    common_options(parser)
    limit = "largest difference allowed, as a part of the largest magnitude in the golden output (default: 1e-3)"
    parser.add_argument("--limit", type=positive, default=1e-3, metavar="X", help=limit)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check one addon."""
    from voxstack import VoxstackError
    from voxstack_bench.checking import check

    try:
        check_out(options.json)
        report = check(options.addon, limit=options.limit, **common_arguments(options))
    except (VoxstackError, OSError) as error:
        if options.debug:
            raise
        progress(f"error: {error}")
        return USAGE
    write_out(report.as_json(), options.json, lambda: lines(report))
    return 0 if report.passed else FAIL


def lines(report: Report) -> Iterator[str]:
    """Yield what was found, for people."""
    from voxstack_bench.tables import legend, named, number, table

    yield f"{report.addon} {report.version}: differences from golden vectors, as parts of their peaks; limit {report.limit:g}"
    names = named(found.context for found in report.contexts)
    yield from legend(names)
    rows = [["context", "what", "error", ""]]
    for found in report.contexts:
        rows += [
            [names[found.context], row.what, number(row.error, ".1e"), _verdict(row.state, row.note)]
            for row in found.rows
        ]
        if not found.rows:
            rows.append([names[found.context], "", "-", _verdict(_of_context(found), found.reason)])
    yield from _with_notes(table(rows, left=2), rows)
    measured = [found for found in report.contexts if found.figures.load_s is not None]
    if measured:
        yield ""
        heads = ["context", "load s", "first audio s", "RTF", "peak MB"]
        figures = [(names[found.context], found.figures) for found in measured]
        cells = [[label, *map(number, (f.load_s, f.ttfa_s, f.rtf)), number(f.memory_mb, ".0f")] for label, f in figures]
        yield from table([heads, *cells])
    yield ""
    yield _summary(report)


def _with_notes(drawn: Iterator[str], rows: list[list[str]]) -> Iterator[str]:
    """The table, without the blanks that flush its last column right."""
    for line, row in zip(drawn, rows, strict=True):
        yield f"{line[: len(line) - len(row[-1])].rstrip()}  {row[-1]}".rstrip()


def _verdict(state: str, note: str) -> str:
    told = {"pass": "ok", "fail": "FAIL"}.get(state, state)
    return f"{told}: {note}" if note else told


def _of_context(found: Checked) -> str:
    return "FAIL, cannot be had" if found.state == "unavailable" and found.explicit else found.state


def _summary(report: Report) -> str:
    states = [row.state for found in report.contexts for row in found.rows]
    told = [f"{states.count(state)} {state}" for state in ("pass", "fail", "not checked") if state in states]
    gone = [found.context for found in report.contexts if found.state == "unavailable"]
    told += [f"not to be had here: {', '.join(gone)}"] if gone else []
    nothing = "" if "pass" in states else "; nothing was compared with success"
    return f"{'passed' if report.passed else 'FAILED'}: {'; '.join(told) or 'nothing was checked'}{nothing}"
