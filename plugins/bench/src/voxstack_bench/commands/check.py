"""``voxstack check``: comparison of an addon with its golden vectors, in every context."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from voxstack_bench.commands.options import (
    add_common_options,
    check_output,
    common_arguments,
    print_progress,
    write_output,
)

if TYPE_CHECKING:
    from voxstack_bench.results import ContextReport, Report

FAIL, USAGE = 1, 2


def command(parser: argparse.ArgumentParser) -> None:
    """Check an addon's results in every context.

    Compares every network of an addon, and the whole stack, with the golden vectors that were recorded when it was
    built, each context in a fresh process. Exit status: 0 if something was compared and nothing failed; 1 if anything
    failed, or a requested context is unavailable; 2 if there is no such addon or context.
    """
    add_common_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check one addon, and return the exit status."""
    from voxstack import VoxstackError
    from voxstack_bench.checking import check
    from voxstack_bench.golden.golden_checks import describe_error

    try:
        check_output(options.json)
        report = check(options.addon, **common_arguments(options))
    except (VoxstackError, OSError) as error:
        if options.debug:
            raise
        print_progress(f"error: {describe_error(error)}")
        return USAGE
    write_output(report.as_json(), options.json, lambda: lines(report))
    return 0 if report.passed else FAIL


def lines(report: Report) -> Iterator[str]:
    """Yield the report as text."""
    from voxstack_bench.commands.tables import legend, number, short_names, table

    yield (
        f"{report.addon} {report.version}: largest differences from the golden vectors, relative to their peaks; "
        f"limit {report.limit:g}"
    )
    names = short_names(row.context for row in report.contexts)
    yield from legend(names)
    rows = [["context", "output", "error", "result"]]
    for context in report.contexts:
        rows += [
            [names[context.context], row.subject, number(row.error, ".1e"), _result(row.state, row.note)]
            for row in context.rows
        ]
        if not context.rows:
            rows.append([names[context.context], "", "-", _result(_state(context), context.reason)])
    yield from _left_align_results(table(rows, left=2), rows)
    measured = [context for context in report.contexts if context.figures.load_s is not None]
    if measured:
        yield ""
        heads = ["context", "load s", "first audio s", "RTF", "peak MB"]
        figures = [(names[context.context], context.figures) for context in measured]
        cells = [[name, *map(number, (f.load_s, f.ttfa_s, f.rtf)), number(f.memory_mb, ".0f")] for name, f in figures]
        yield from table([heads, *cells])
    yield ""
    yield _summary(report)


def _left_align_results(table_lines: Iterator[str], rows: list[list[str]]) -> Iterator[str]:
    """Yield the lines of a table with its last column aligned to the left."""
    for line, row in zip(table_lines, rows, strict=True):
        yield f"{line[: len(line) - len(row[-1])].rstrip()}  {row[-1]}".rstrip()


def _result(state: str, note: str) -> str:
    word = {"pass": "ok", "fail": "FAIL"}.get(state, state)
    return f"{word}: {note}" if note else word


def _state(context: ContextReport) -> str:
    return "FAIL, unavailable" if context.state == "unavailable" and context.explicit else context.state


def _summary(report: Report) -> str:
    states = [row.state for context in report.contexts for row in context.rows]
    parts = [f"{states.count(state)} {state}" for state in ("pass", "fail", "not checked") if state in states]
    unavailable = [context.context for context in report.contexts if context.state == "unavailable"]
    parts += [f"unavailable here: {', '.join(unavailable)}"] if unavailable else []
    nothing = "" if "pass" in states else "; no comparison passed"
    return f"{'passed' if report.passed else 'FAILED'}: {'; '.join(parts) or 'nothing was checked'}{nothing}"
