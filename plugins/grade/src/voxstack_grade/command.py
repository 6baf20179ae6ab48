"""``voxstack grade``: a quality gate for voices."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxstack_grade.report import Report

FAIL, USAGE = 1, 2


def command(parser: argparse.ArgumentParser) -> None:
    """Grade a voice, against a baseline.

    Measures a voice on a set of sentences: golden vectors, words that a recogniser hears, alarms, durations, loudness,
    clipping, pitch, harmonicity, pauses. Each row shows the measured value, the baseline, the limit and a verdict.
    Exit status: 0 if nothing has regressed; 1 if anything has; 2 if nothing could be graded.
    """
    parser.add_argument("addon", metavar="ADDON", help="an installed voice by name, or a folder or .zip")
    baseline = "an earlier result (.json), or another voice, which is measured now; default: absolute limits"
    parser.add_argument("--baseline", metavar="OLD", help=baseline)
    texts = "a file of texts, one a line, each with its spoken words after a tab if they differ (default: 60 own ones)"
    parser.add_argument("--texts", metavar="FILE", help=texts)
    parser.add_argument("--sentences", type=_count, metavar="N", help="grade N of the texts, evenly spread")
    limit = "a limit in place of the default, such as wer=0.02, wer.most=0.2 or loudness=none; repeat it for several"
    parser.add_argument("--limit", action="append", default=[], metavar="NAME=X", dest="limit", help=limit)
    parser.add_argument("--limits", metavar="FILE", help="limits by name, in a .json or .toml")
    parser.add_argument("--without", action="append", default=[], metavar="NAME", help="a row to leave out; repeatable")
    parser.add_argument("--context", metavar="CONTEXT", help="where networks run, as in voxstack say")
    parser.add_argument("--trust", action="store_true", help="run code in the addon; installed ones are trusted")
    parser.add_argument("--jobs", type=_count, metavar="N", help="processes that measure (default: one for each core)")
    parser.add_argument("--json", metavar="FILE", help='write the result, a baseline for later; "-": stdout, no table')
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Grade a voice, print the table, and return the exit status."""
    from voxstack import VoxstackError
    from voxstack_grade.table import lines

    try:
        with ExitStack() as exits:
            report = _graded(options, exits)
        if options.json != "-":
            print("\n".join(lines(report)), flush=True)
        _write(report, options.json)
    except (VoxstackError, ImportError, OSError) as error:
        if options.debug:
            raise
        _print(f"error: {error}")
        return USAGE
    return 0 if report.passed else FAIL


def _graded(options: argparse.Namespace, exits: ExitStack) -> Report:
    """Return the report; everything that can be wrong with the options comes before anything is measured."""
    from pathlib import Path

    from voxstack_grade.grading import grade
    from voxstack_grade.limits import check_names, read_limits
    from voxstack_grade.sentences import read_sentences, spread

    limits = read_limits(Path(options.limits) if options.limits else None, options.limit)
    check_names(options.without)
    texts = None if options.texts is None else read_sentences(Path(options.texts))
    if options.sentences is not None:
        texts = spread(texts or read_sentences(), options.sentences)
    if options.json not in (None, "-") and not Path(options.json).resolve().parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(Path(options.json).parent)!r}; create it first")

    def progress(label: str, count: int) -> Callable[[], object]:
        from tqdm import tqdm

        bar: Any = tqdm(desc=label, total=count, unit="sentence", file=sys.stderr, disable=options.quiet)
        exits.callback(bar.close)
        return lambda: bar.update()

    return grade(
        options.addon,
        options.baseline,
        texts,
        limits=limits,
        without=options.without,
        context=options.context,
        trust=options.trust,
        jobs=options.jobs,
        registry=options.registry,
        progress=progress,
    )


def _write(report: Report, file: str | None) -> None:
    """Write the result to the file of ``--json``, or to stdout."""
    from pathlib import Path

    from voxstack_grade.measurements import write_complete_file, written

    if file is None:
        return
    text = written(report.as_json())
    if file == "-":
        print(text, end="", flush=True)
    else:
        write_complete_file(Path(file), text)


def _print(line: str) -> None:
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            print(f"voxstack: {line}", file=sys.stderr, flush=True)


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, not {text!r}")
    return int(text)
