"""The speech service by one process and by two, as the clients at once see it.

``python tests/benchmarks/workers.py [--rounds 10] [--clients 16]`` serves amber twice on the loopback device, and lets
as many clients request a sentence of 9 s at once from each in turn. All figures are medians of rounds, and ratios are
of the same round: sums of audio a second, and the median and the last first audio of the clients.
"""

from __future__ import annotations

import argparse
import http.client
import math
import statistics
from collections.abc import Mapping
from contextlib import ExitStack

from measure import machine
from serve import at_once, requested, served


def figures(place: str, count: int) -> Mapping[str, float]:
    """Return what clients at once see: bytes a second, the median of first audio, and how many are refused."""
    found, seconds = at_once(lambda: requested(http.client.HTTPConnection(place)), count)
    complete = [row for row in found if not math.isnan(row["first"])]
    firsts = sorted(row["first"] for row in complete)
    return {
        "speed": sum(row["bytes"] for row in complete) / 48_000 / seconds,
        "first": statistics.median(firsts),
        "last": firsts[-1],
        "refused": count - len(complete),
    }


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16])
    options = parser.parse_args()
    print(f"{machine()}; amber")
    print("\n| 9 s | audio a second | ÷ 1 process | first audio | ÷ 1 | last first audio | ÷ 1 | refused |")
    print("|---|---|---|---|---|---|---|---|")
    with ExitStack() as stack:
        places = {count: stack.enter_context(served("--workers", str(count))) for count in (1, 2)}
        for clients in options.clients:
            rounds: list[dict[int, Mapping[str, float]]] = []
            for _ in range(options.rounds + 1):
                rounds.append({count: figures(place, clients) for count, place in places.items()})
                places = dict(reversed(places.items()))
            del rounds[0]  # it warms up
            for count in sorted(places):
                print_row(f"{clients} clients, {count} process{'es' * (count > 1)}", count, rounds)


def print_row(name: str, count: int, rounds: list[dict[int, Mapping[str, float]]]) -> None:
    """Print the medians of the rounds for a number of processes."""
    keys = ("speed", "first", "last")
    middle = {key: statistics.median(found[count][key] for found in rounds) for key in keys}
    ratio = {key: statistics.median(found[count][key] / found[1][key] for found in rounds) for key in keys}
    refused = statistics.mean(found[count]["refused"] for found in rounds)
    cells = [f"{middle['speed']:.0f} s", f"{ratio['speed']:.2f}"]
    for key in ("first", "last"):
        cells += [f"{1000 * middle[key]:.0f} ms", f"{ratio[key]:.2f}"]
    print(f"| {name} | {' | '.join(cells)} | {refused:.1f} |")


if __name__ == "__main__":
    main()
