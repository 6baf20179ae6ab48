"""The speech service beside other servers, all with the trained Piper voice en_US-joe-medium.

``pip install ".[peers,serve]"``, then ``python tests/benchmarks/serve_peers.py [--rounds 12]``; streaming-vits needs
the program espeak-ng. Each server is a process of its own with its default settings, and so are the clients. The
servers of a table take turns; ratios are paired in each round, and the tables have their medians:

* **one client**: seconds to the first byte of audio and to the last one. The HTTP server of piper-tts sends
  nothing before all is computed. Piper uses all cores for a call, voxstack one; so it is measured with one thread, too.
  The generator of streaming-vits is behind the same server as voxstack, with all cores.
* **16 clients at once**: the median of their first audio, and seconds of audio a second.
* **64 clients at once**, more than the machine has capacity for: how soon some are refused, and how often the others
  hear a chunk late. A chunk is late if it comes when all before it has been played.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from measure import Row, machine, markdown, percentile
from peer_servers import PEERS, Server, voxstack
from peers import THREE, installed
from speech_clients import Clients, Heard, clients
from texts import NINE, PARAGRAPH

TEXTS = {"3 s": THREE, "9 s": NINE, "12 sentences": PARAGRAPH}
PAUSE = 0.1
"""Seconds between two runs: the threads of some servers spin for a while after their work."""

Figures = Mapping[str, float]


def one_client(found: Clients, servers: Sequence[Server], text: str, rounds: int) -> list[dict[str, Figures]]:
    """Return the figures of one client, by server, for each round."""
    return in_turns(servers, rounds, lambda server: vars(ask(found, server, text)[0]))


def many_clients(found: Clients, servers: Sequence[Server], count: int, rounds: int) -> list[dict[str, Figures]]:
    """Return the figures of clients at once, by server, for each round."""

    def figures(server: Server) -> Figures:
        heard = ask(found, server, NINE, count)
        served = [row for row in heard if row.status == 200]
        return {
            "first": statistics.median(row.first if row.status == 200 else math.inf for row in heard),
            "throughput": sum(row.audio for row in heard) / max(row.whole for row in heard),
            "served": len(served),
            "late": sum(row.late > 0 for row in served),
        }

    return in_turns(servers, rounds, figures)


def ask(found: Clients, server: Server, text: str, count: int = 1) -> list[Heard]:
    """Return what clients hear that request a text at once."""
    time.sleep(PAUSE)
    return found.at_once(server.protocol, server.port, text, server.voice, count)


def in_turns(servers: Sequence[Server], rounds: int, figures: Callable[[Server], Figures]) -> list[dict[str, Figures]]:
    """Return the figures of each server, for each round but the first one."""
    rows = []
    for number in range(rounds + 1):
        order = servers if number % 2 else list(reversed(servers))
        rows.append({server.name: figures(server) for server in order})
    return rows[1:]


def median(rows: Iterable[Mapping[str, Figures]], name: str, key: str) -> float:
    """Return the median of a figure of a server."""
    return statistics.median(row[name][key] for row in rows)


def ratio(rows: Iterable[Mapping[str, Figures]], peer: str, key: str) -> float:
    """Return the median of the ratios of voxstack's figure to that of a peer in the same round."""
    return statistics.median(row["voxstack"][key] / row[peer][key] for row in rows)


def compared(
    rows: list[dict[str, Figures]], peer: str, what: str, key: str = "first", limit: float | None = None
) -> Row:
    """Return a line with the ratio of a figure to that of a peer, and both figures."""
    own, other = (median(rows, name, key) for name in ("voxstack", peer))
    minimum = key == "throughput"
    values = f"{own:.1f} and {other:.1f} x real time" if minimum else f"{1000 * own:.0f} and {1000 * other:.0f} ms"
    note = f"{values}; load {os.getloadavg()[0]:.1f}"
    return Row(f"{what} ÷ {peer}", ratio(rows, peer, key), limit=limit, minimum=minimum, note=note)


def single_rows(found: Clients, servers: Sequence[Server], limits: Mapping[str, float], rounds: int) -> list[Row]:
    """Return the lines for one client of servers of one protocol."""
    lines = []
    for name, text in TEXTS.items():
        rows = one_client(found, servers, text, rounds if text != PARAGRAPH else math.ceil(rounds / 4))
        for peer, limit in limits.items():
            lines.append(compared(rows, peer, f"first audio, {name}", limit=limit))
            lines.append(compared(rows, peer, f"all of it, {name}", "whole"))
    return lines


def crowd_rows(found: Clients, servers: Sequence[Server], rounds: int) -> list[Row]:
    """Return the lines for 16 clients at once."""
    rows = many_clients(found, servers, 16, rounds)
    lines = [
        compared(rows, "piper-tts", "median first audio, 16 clients", limit=0.25),
        compared(rows, "piper-tts", "audio a second, 16 clients", "throughput", limit=1.0),
    ]
    for server in servers:
        late, served = (median(rows, server.name, key) for key in ("late", "served"))
        lines.append(Row(f"clients of {server.name} that hear a late chunk", late, "", note=f"of {served:.0f} served"))
    return lines


def overload_rows(found: Clients, server: Server, rounds: int) -> list[Row]:
    """Return the lines for 64 clients at once, in all rounds together."""
    heard = [row for _ in range(rounds) for row in ask(found, server, NINE, 64)]
    served = [row for row in heard if row.status == 200]
    refused = [1000 * row.whole for row in heard if row.status == 503]
    if not served or not refused:
        note = "take another number of clients for this machine"
        return [Row("64 clients: served", len(served), "", note=note), Row("refused", len(refused), "")]
    late, first = sum(row.late > 0 for row in served), 1000 * statistics.median(row.first for row in served)
    return [
        Row("503, median, 64 clients", statistics.median(refused), "ms", 50, note=f"{len(refused)} of {len(heard)}"),
        Row("503, 99 %", percentile(refused, 0.99), "ms", 50),
        Row("503, the slowest", max(refused), "ms", 50, note=f"load {os.getloadavg()[0]:.1f}"),
        Row("clients that hear a late chunk", late, "", 0, note=f"of {len(served)}; first audio {first:.0f} ms"),
        Row("longest silence", 1000 * max(row.silence for row in served), "ms"),
        Row("neither served nor refused", len(heard) - len(served) - len(refused), "", 0),
    ]


def main() -> None:
    """Start all servers, measure all cases, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--cases", nargs="*", default=CASES, choices=CASES)
    parser.add_argument("--context", help="of voxstack: where its networks run; by default, one thread a call")
    options = parser.parse_args()
    names = [name for name, peer in PEERS.items() if installed(peer.distribution) and _takes_part(name, options.cases)]
    for distribution in {peer.distribution for peer in PEERS.values()}:
        print(f"{distribution} {installed(distribution) or 'is not installed'}", end="; ")
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory(prefix="voxstack-peers-") as folder, ExitStack() as stack:
        place = Path(folder)
        own = ("--context", options.context) if options.context else ()
        http, wyoming = stack.enter_context(voxstack(place, *own))
        peers = {name: stack.enter_context(_served(name, place)) for name in names}
        found = stack.enter_context(clients())
        for title, lines in tables(found, http, wyoming, peers, options.cases, options.rounds):
            print(f"\n{title}\n\n{markdown(lines)}", flush=True)


def _takes_part(name: str, cases: Sequence[str]) -> bool:
    own = "wyoming" if name.startswith("wyoming") else "http"
    return own in cases or (name == "piper-tts" and "16" in cases)


def _served(name: str, folder: Path) -> AbstractContextManager[Server]:
    peer = PEERS[name]
    return peer.serve(name, folder, *peer.program)


CASES = ("http", "wyoming", "16", "64")


def tables(
    found: Clients, http: Server, wyoming: Server, peers: Mapping[str, Server], cases: Sequence[str], rounds: int
) -> Iterable[tuple[str, list[Row]]]:
    """Yield the title and the lines of each table."""
    few = max(2, rounds // 4)
    limits = {name: 1.0 if name == "streaming-vits" else 0.2 for name in peers if not name.startswith("wyoming")}
    if "http" in cases and limits:
        servers = [http, *(peers[name] for name in limits)]
        yield "One client over HTTP, WAV", single_rows(found, servers, limits, rounds)
    limits = {name: 0.2 for name in peers if name.startswith("wyoming")}
    if "wyoming" in cases and limits:
        servers = [wyoming, *(peers[name] for name in limits)]
        yield "One client over Wyoming", single_rows(found, servers, limits, rounds)
    if "16" in cases and "piper-tts" in peers:
        yield "16 clients at once, 9 s each, over HTTP", crowd_rows(found, [http, peers["piper-tts"]], few)
    if "64" in cases:
        yield "64 clients at once, 9 s each, over HTTP", overload_rows(found, http, few)


if __name__ == "__main__":
    main()
