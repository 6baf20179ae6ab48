"""``voxstack bench``: contexts side by side, and which is best here."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from voxstack_bench.options import check_out, common_arguments, common_options, positive, progress, write_out

if TYPE_CHECKING:
    from voxstack_bench.figures import Benchmark, Measured, Spread

FAIL, USAGE = 1, 2


def command(parser: argparse.ArgumentParser) -> None:
    """Measure a voice in several contexts, and find the best.

    The contexts take turns, each in a process of its own, and their audio is checked. Then each network is placed where it
    takes the least time, and this placement is measured against the contexts. The best is stored for --context auto. Exit
    status: 0; 1 if a context failed, a requested one is unavailable, or none is correct; 2 if there is no such addon or context.
    """
    common_options(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--text", metavar="TEXT", help="what is said (default: a few sentences of English, or the addon's golden text)"
    )
    what.add_argument("--file", metavar="FILE", help="say what is in this file, UTF-8")
    parser.add_argument("--repeat", type=_count, default=5, metavar="N", help="how often each says it (default: 5)")
    goals = (
        "what is best. balanced: least real-time factor of those whose first audio comes within 1.2 times the shortest time; latency: "
        "the earliest first audio; throughput: the least real-time factor (default: balanced)"
    )
    parser.add_argument(
        "--for", dest="goal", choices=["balanced", "latency", "throughput"], default="balanced", help=goals
    )
    keep = "keep the best for --context auto (default: yes)"
    parser.add_argument("--save", action=argparse.BooleanOptionalAction, default=True, help=keep)
    limit = "largest difference from golden vectors allowed, as a part of their peak (default: 1e-3)"
    parser.add_argument("--limit", type=positive, default=1e-3, metavar="X", help=limit)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure one voice."""
    from voxstack import VoxstackError
    from voxstack_bench.measuring import bench

    try:
        check_out(options.json)
        more = common_arguments(options)
        text = _text(options)
        found = bench(
            options.addon,
            text=text,
            repeat=options.repeat,
            goal=options.goal,
            save=options.save,
            limit=options.limit,
            **more,
        )
    except (VoxstackError, OSError, UnicodeDecodeError) as error:
        if options.debug:
            raise
        progress(f"error: {error}")
        return USAGE
    if found.saved:
        progress(f"kept for --context auto: {found.saved}")
    write_out(found.as_json(), options.json, lambda: lines(found))
    return 0 if found.complete else FAIL


def lines(found: Benchmark) -> Iterator[str]:
    """Yield what was found, for people."""
    from voxstack_bench.tables import legend, named, number, table

    said = f", {found.audio_s:.1f} s of speech" if found.audio_s else ""
    yield f"{found.addon} {found.version}: medians of {found.repeat} turns{said}, in brackets least and most"
    names = named(row.context for row in found.contexts)
    yield from legend(names)
    heads = ["context", "load s", "first audio ms", "RTF", "CPU s/s", "peak MB", "check"]
    rows = [
        [
            *(names[row.context], number(row.load_s, ".2f")),
            *(_spread(row.first_audio, 1000), _spread(row.real_time_factor), _spread(row.processor)),
            *(number(row.memory_mb, ".0f"), row.checked),
        ]
        for row in found.contexts
        if row.first_audio
    ]
    yield from table([heads, *rows])
    for row in found.contexts:
        if row.state != "measured":
            yield f"{row.context}: {'cannot be had here' if row.state == 'unavailable' else 'FAILED'}: {row.reason}"
        yield from (
            f"{row.context}: WRONG: {one.what}: {_why(one.error, one.note)}" for one in row.rows if one.state == "fail"
        )
    yield from _network_lines(found, names)
    yield ""
    yield _verdict(found)


def _network_lines(found: Benchmark, names: Mapping[str, str]) -> Iterator[str]:
    from voxstack_bench.tables import percent, table

    labels = [row.context for row in found.contexts if row.networks]
    if found.times:
        what = "until the first audio" if found.goal == "latency" else "for the whole text"
        yield from ["", f"ms in each network {what}; * is where it would be put"]
        shown = [label for label in labels if any(label in row for row in found.times.values())]
        cells = [
            [network, *(_time(row.get(label), found.places[network] == label) for label in shown)]
            for network, row in found.times.items()
        ]
        yield from table([["network", *(names[label] for label in shown)], *cells])
    wasting = [row for row in found.contexts if row.waste]
    if wasting:
        yield from ["", "part of the computed steps that was padding, or computed again"]
        networks = list(dict.fromkeys(name for row in wasting for name in row.waste))
        cells = [[name, *(percent(row.waste.get(name)) for row in wasting)] for name in networks]
        yield from table([["network", *(names[row.context] for row in wasting)], *cells])


def _verdict(found: Benchmark) -> str:
    if found.best is None:
        return "no context is right here, so none is best; voxstack check tells more"
    kept = "; --context auto takes it" if found.saved else ""
    best = next(row for row in found.contexts if row.context == found.best)
    return f"best for {found.goal}: {found.best} ({found.told}){_against(best, found.contexts)}{kept}"


def _against(best: Measured, rows: Sequence[Measured]) -> str:
    """How it compares with the next best single context."""
    others = [
        row
        for row in rows
        if row.context not in (best.context, "placement") and row.checked == "pass" and row.real_time_factor
    ]
    if not others:
        return ""
    next_best = min(others, key=lambda row: row.rtf)
    return f", RTF {best.rtf / next_best.rtf:.2f} and CPU {best.cpu / next_best.cpu:.2f} times those of {next_best.context}"


def _why(error: float | None, note: str) -> str:
    return note or f"{error:.1e} from the golden vectors"


def _spread(spread: Spread | None, scale: float = 1) -> str:
    return (
        "-" if spread is None else f"{spread.median * scale:.3g} ({spread.low * scale:.3g}-{spread.high * scale:.3g})"
    )


def _time(seconds: float | None, best: bool) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.3g}{'*' if best else ' '}"


def _text(options: argparse.Namespace) -> str | None:
    text: str | None = options.text
    return text if options.file is None else Path(options.file).read_text("utf-8")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 up, and got {text!r}")
    return int(text)
