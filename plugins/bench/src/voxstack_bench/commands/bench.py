"""``voxstack bench``: measurement of contexts side by side, and the best one for this machine."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from voxstack_bench.commands.options import (
    add_common_options,
    check_output,
    common_arguments,
    print_progress,
    write_output,
)

if TYPE_CHECKING:
    from voxstack_bench.results import Benchmark, Measurement, Spread

FAIL, USAGE = 1, 2


def command(parser: argparse.ArgumentParser) -> None:
    """Measure a voice in several contexts, and find the best.

    The contexts take turns, each in a process of its own, and their audio is checked. Then each network is placed
    where it takes the least time, and this placement is measured against the contexts. The best is stored for
    --context auto. Exit status: 0; 1 if a context failed, a requested one is unavailable, or none is correct; 2 if
    there is no such addon or context.
    """
    add_common_options(parser)
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--text", metavar="TEXT", help="the text (default: a few English sentences, or the addon's golden text)"
    )
    source.add_argument("--file", metavar="FILE", help="a file with the text, in UTF-8")
    parser.add_argument(
        "--repeat", type=_count, default=5, metavar="N", help="number of measurements of each context (default: 5)"
    )
    goals = (
        "balanced: the smallest real-time factor of the contexts whose first audio comes within 1.2 times the "
        "shortest time; latency: earliest first audio; throughput: the smallest real-time factor (default: balanced)"
    )
    parser.add_argument(
        "--for", dest="goal", choices=["balanced", "latency", "throughput"], default="balanced", help=goals
    )
    save = "store the best context for --context auto (default: yes)"
    parser.add_argument("--save", action=argparse.BooleanOptionalAction, default=True, help=save)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure one voice, and return the exit status."""
    from voxstack import VoxstackError
    from voxstack_bench.golden.golden_checks import describe_error
    from voxstack_bench.measuring import bench

    try:
        check_output(options.json)
        arguments = common_arguments(options)
        benchmark = bench(
            options.addon,
            text=_text(options),
            repeat=options.repeat,
            goal=options.goal,
            save=options.save,
            **arguments,
        )
    except (VoxstackError, OSError, UnicodeDecodeError) as error:
        if options.debug:
            raise
        print_progress(f"error: {describe_error(error)}")
        return USAGE
    if benchmark.saved:
        print_progress(f"stored for --context auto: {benchmark.saved}")
    write_output(benchmark.as_json(), options.json, lambda: lines(benchmark))
    return 0 if benchmark.complete else FAIL


def lines(benchmark: Benchmark) -> Iterator[str]:
    """Yield the benchmark as text."""
    from voxstack_bench.commands.tables import legend, number, short_names, table

    turns = f"{benchmark.repeat} turn{'s' * (benchmark.repeat != 1)}"
    audio = f", {benchmark.audio_s:.1f} s of audio" if benchmark.audio_s else ""
    yield (f"{benchmark.addon} {benchmark.version}: medians of {turns}{audio}; minimum and maximum in brackets")
    names = short_names(row.context for row in benchmark.contexts)
    yield from legend(names)
    heads = ["context", "load s", "first audio ms", "RTF", "CPU s/s", "peak MB", "check"]
    rows = [
        [
            *(names[row.context], number(row.load_s, ".2f")),
            *(_spread(row.first_audio, 1000), _spread(row.real_time_factor), _spread(row.processor)),
            *(number(row.memory_mb, ".0f"), row.checked),
        ]
        for row in benchmark.contexts
        if row.first_audio
    ]
    yield from table([heads, *rows])
    yield from _problem_lines(benchmark.contexts)
    yield from _network_lines(benchmark, names)
    yield from _waste_lines(benchmark, names)
    yield ""
    yield _verdict(benchmark)


def _problem_lines(contexts: Sequence[Measurement]) -> Iterator[str]:
    for context in contexts:
        if context.state != "measured":
            word = "unavailable here" if context.state == "unavailable" else "FAILED"
            yield f"{context.context}: {word}: {context.reason}"
        for row in context.rows:
            if row.state == "fail":
                problem = row.note or f"{row.error:.1e} from the golden vectors"
                yield f"{context.context}: WRONG: {row.subject}: {problem}"


def _network_lines(benchmark: Benchmark, names: Mapping[str, str]) -> Iterator[str]:
    from voxstack_bench.commands.tables import table

    if not benchmark.times:
        return
    part = "until the first audio" if benchmark.goal == "latency" else "for the whole text"
    yield from ["", f"ms in each network {part}; * marks its best context"]
    measured = [row.context for row in benchmark.contexts if row.networks]
    shown = [label for label in measured if any(label in row for row in benchmark.times.values())]
    cells = [
        [network, *(_time(row.get(label), benchmark.places[network] == label) for label in shown)]
        for network, row in benchmark.times.items()
    ]
    yield from table([["network", *(names[label] for label in shown)], *cells])


def _waste_lines(benchmark: Benchmark, names: Mapping[str, str]) -> Iterator[str]:
    from voxstack_bench.commands.tables import percent, table

    wasting = [row for row in benchmark.contexts if row.waste]
    if not wasting:
        return
    yield from ["", "share of the computed steps that was padding or computed twice"]
    networks = list(dict.fromkeys(name for row in wasting for name in row.waste))
    cells = [[name, *(percent(row.waste.get(name)) for row in wasting)] for name in networks]
    yield from table([["network", *(names[row.context] for row in wasting)], *cells])


def _verdict(benchmark: Benchmark) -> str:
    if benchmark.best is None:
        return "no context is correct here, so none is the best; see voxstack check for details"
    stored = "; --context auto uses it" if benchmark.saved else ""
    best = next(row for row in benchmark.contexts if row.context == benchmark.best)
    comparison = _compare(best, benchmark.contexts)
    return f"best for {benchmark.goal}: {benchmark.best} ({benchmark.description}){comparison}{stored}"


def _compare(best: Measurement, contexts: Sequence[Measurement]) -> str:
    """Return the figures of the best context relative to those of the next best single context."""
    others = [
        row
        for row in contexts
        if row.context not in (best.context, "placement") and row.checked == "pass" and row.real_time_factor
    ]
    if not others:
        return ""
    second = min(others, key=lambda row: row.rtf)
    return f", RTF {best.rtf / second.rtf:.2f} and CPU {best.cpu / second.cpu:.2f} times those of {second.context}"


def _spread(spread: Spread | None, scale: float = 1) -> str:
    if spread is None:
        return "-"
    median, low, high = (value * scale for value in (spread.median, spread.low, spread.high))
    return f"{median:.3g} ({low:.3g}-{high:.3g})"


def _time(seconds: float | None, best: bool) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.3g}{'*' if best else ' '}"


def _text(options: argparse.Namespace) -> str | None:
    text: str | None = options.text
    return text if options.file is None else Path(options.file).read_text("utf-8")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, not {text!r}")
    return int(text)
