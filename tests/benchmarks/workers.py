"""The speech service by one process and by two, as the clients at once see it.

``python tests/benchmarks/workers.py [--rounds 10] [--clients 16]`` serves amber twice on the loopback device, and lets
as many clients request a sentence of 9 s at once from each in turn. The sums of their audio a second and the medians of
their first audio, are medians of rounds; ratios are of the same round.
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
    print("\n| 9 s | audio a second | ÷ 1 process | first audio | ÷ 1 process | last of first audios | refused |")
    print("|---|---|---|---|---|---|---|")
    with ExitStack() as stack:
        places = {count: stack.enter_context(served("--workers", str(count))) for count in (1, 2)}
        for clients in options.clients:
            rounds: list[dict[int, Mapping[str, float]]] = []
            for _ in range(options.rounds + 1):
                rounds.append({count: figures(place, clients) for count, place in places.items()})
            del rounds[0]  # it warms up
            for count in places:
                print_row(f"{clients} clients, {count} process{'es' * (count > 1)}", count, rounds)


def print_row(name: str, count: int, rounds: list[dict[int, Mapping[str, float]]]) -> None:
    """Print the medians of the rounds for a number of processes."""
    middle = {key: statistics.median(found[count][key] for found in rounds) for key in rounds[0][count]}
    ratio = {
        key: statistics.median(found[count][key] / found[1][key] for found in rounds) for key in ("speed", "first")
    }
    print(
        f"| {name} | {middle['speed']:.0f} s | {ratio['speed']:.2f} | {1000 * middle['first']:.0f} ms "
        f"| {ratio['first']:.2f} | {1000 * middle['last']:.0f} ms "
        f"| {statistics.mean(f[count]['refused'] for f in rounds):.1f} |"
    )


if __name__ == "__main__":
    main()
