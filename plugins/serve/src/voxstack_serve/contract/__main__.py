"""``python -m voxstack_serve.contract URL``: what clients would find wrong with a speech server."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from voxstack_serve.contract import PROTOCOLS, Clause, Target, clauses
from voxstack_serve.contract.clause import FAIL
from voxstack_serve.contract.presence import absence
from voxstack_serve.contract.report import as_json, table


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the clauses at a server, print what came of it, and return the exit status.

    That is 0 if no clause fails that a client needs, 1 if one does, 2 if there is nothing to try.
    """
    options = _parser().parse_args(arguments)
    if options.list:
        print(*map(_line, _chosen(options, options.protocol or PROTOCOLS)), sep="\n")
        return 0
    target = Target(options.url, options.key, options.voice, options.wyoming, options.overload, options.timeout)
    results, absences = [], []
    for protocol in options.protocol or PROTOCOLS:
        if reason := absence(target, protocol):
            absences += [f"{protocol}: {reason}"] if options.protocol or options.url else []
            continue
        results += [clause.try_at(target) for clause in _chosen(options, [protocol])]
    print(as_json(results) if options.json else table(results))
    print(*absences, sep="\n", file=sys.stderr)
    failed = [result for result in results if result.outcome == FAIL and (options.strict or result.grade == "must")]
    return 1 if failed or (absences and options.protocol) else 0 if results else 2


def _chosen(options: argparse.Namespace, protocols: Sequence[str]) -> list[Clause]:
    return [clause for clause in clauses(*protocols) if options.only in clause.name]


def _line(clause: Clause) -> str:
    return f"{clause.name}: {clause.right} ({', '.join(clause.clients)})"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m voxstack_serve.contract", description=__doc__)
    add = parser.add_argument
    add("url", nargs="?", default="", help="of the server, such as http://127.0.0.1:8000, with or without /v1")
    add("--key", default="", help="that requests carry; with one, wrong keys are tried, too")
    protocols = f"those to try, separated by commas: {', '.join(PROTOCOLS)}; default: those that the server has"
    add("--protocol", type=_protocols, metavar="NAMES", help=protocols)
    add("--voice", default="alloy", help="a voice that the server has (default: %(default)s)")
    add("--wyoming", default="", metavar="HOST:PORT", help="of the Wyoming protocol, such as 127.0.0.1:10200")
    overload = "also send this number of long requests at once, some of which the server then refuses"
    add("--overload", type=int, default=0, metavar="N", help=overload)
    add("--timeout", type=float, default=60.0, metavar="SECONDS", help="for each part of an answer")
    add("--only", default="", metavar="TEXT", help="only clauses whose names contain it")
    add("--list", action="store_true", help="print what each clause demands, and try nothing")
    add("--strict", action="store_true", help="fail also for clauses without which clients work, but worse")
    add("--json", action="store_true", help="print the results as JSON")
    return parser


def _protocols(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or not set(names) <= set(PROTOCOLS):
        raise argparse.ArgumentTypeError(f"{text!r} is not valid; write some of {', '.join(PROTOCOLS)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
