"""The speech service over HTTP, beside the same calls in one process.

``python tests/benchmarks/serve.py [--rounds 20]`` serves amber by another process on the loopback device. The rows of
each case run in turn:

* **first audio** of a sentence of 9 s: seconds from the request to the first bytes of audio, by format, over a
  connection that is kept; and all of it, against the stream in this process.
* **clients at once**: audio a second, and the median time to first audio, against as many streams in this process.
* **ElevenLabs' WebSocket**: the same over connections that are open already, in a process of their own, with the times
  of characters; against streams in this process.
* **refusals**: seconds until a client that is one too many has its 503.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import http.client
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Any

import numpy as np
import speech_clients
from measure import interleaved, machine, percentile
from texts import NINE

import voxstack

FORMATS = ("pcm", "wav", "flac", "mp3", "opus")


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """Serve amber by another process; provide host and port."""
    program = [sys.executable, "-m", "voxstack_cli", "serve", "--voice", "amber", "--port", "0", *arguments]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            yield next(line.split()[0].removeprefix("http://") for line in process.stderr if " serves " in line)
        finally:
            process.terminate()


def requested(connection: http.client.HTTPConnection, **keys: Any) -> Mapping[str, float]:
    """Return the seconds to the first audio and to the end of a response; NaN for the first if it is refused."""
    began, first = time.perf_counter(), float("nan")
    body = {"model": "m", "voice": "amber", "input": NINE, "response_format": "pcm", **keys}
    connection.request("POST", "/v1/audio/speech", json.dumps(body))
    response = connection.getresponse()
    if response.status == 200:
        response.read(header(body["response_format"]) + 1)
        first = time.perf_counter() - began
    rest = len(response.read())
    return {"first": first, "whole": time.perf_counter() - began, "bytes": rest, "status": response.status}


@functools.cache
def header(name: str) -> int:
    """Return the bytes before the first audio of a format."""
    from voxstack_serve.encoders import FORMATS

    return 0 if name == "mp3" else len(FORMATS[name].open(16_000, None).encode(np.zeros(1, np.float32)))


def streamed(voice: voxstack.Voice) -> Mapping[str, float]:
    """Return the seconds to the first audio and to the end of a stream for asyncio in this process."""
    return asyncio.run(_streamed(voice))


async def _streamed(voice: voxstack.Voice) -> Mapping[str, float]:
    began, first = time.perf_counter(), 0.0
    async with aclosing(voice.astream(NINE)) as chunks:
        async for _ in chunks:
            first = first or time.perf_counter() - began
    return {"first": first, "whole": time.perf_counter() - began}


def first_audio(place: str, rounds: int) -> None:
    """Print the first audio and the whole of one request, by format."""
    voice, connection = voxstack.load("amber"), http.client.HTTPConnection(place)
    runs = {"in process": lambda: streamed(voice)}
    runs |= {name: lambda name=name: requested(connection, response_format=name) for name in FORMATS}
    runs["pcm, 16 kHz"] = lambda: requested(connection, sample_rate=16_000)
    runs["pcm, events"] = lambda: requested(connection, stream_format="sse")
    found = interleaved(runs, rounds)
    own = found["in process"]
    print("\n| 9 s, one client | first audio | ÷ in process | whole | ÷ in process |\n|---|---|---|---|---|")
    for name, figures in found.items():
        cells = [(figures[key] * 1000, figures[key] / own[key]) for key in ("first", "whole")]
        print(f"| {name} | " + " | ".join(f"{ms:.1f} ms | {ratio:.2f}" for ms, ratio in cells) + " |")


def at_once(run: Any, count: int) -> tuple[list[Mapping[str, float]], float]:
    """Run as many clients at once; return their figures, and the seconds until all had ended."""
    found: list[Mapping[str, float]] = []
    threads = [threading.Thread(target=lambda: found.append(run())) for _ in range(count)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found, time.perf_counter() - began


def clients(place: str, count: int, rounds: int) -> None:
    """Print throughput and first audio of clients at once."""
    voice = voxstack.load("amber", scheduler=voxstack.Scheduler(load=None, patience=None))
    audio = voice.synthesize(NINE).duration

    def figures(run: Any) -> Mapping[str, float]:
        found, seconds = at_once(run, count)
        complete = [row for row in found if row["first"] == row["first"]]
        return {
            "speed": len(complete) * audio / seconds,
            "first": statistics.median(row["first"] for row in complete),
            "refused": count - len(complete),
        }

    runs = {
        "in process": lambda: figures(lambda: streamed(voice)),
        "over HTTP": lambda: figures(lambda: requested(http.client.HTTPConnection(place))),
    }
    for name, row in interleaved(runs, rounds).items():
        print(f"| {count} {name} | {row['speed']:.0f} s | {1000 * row['first']:.0f} ms | {row['refused']:.0f} |")


def websockets(place: str, rounds: int) -> None:
    """Print first audio and the whole over ElevenLabs' WebSocket, of one client and of 16 at once."""
    voice, port = (
        voxstack.load("amber", scheduler=voxstack.Scheduler(load=None, patience=None)),
        int(place.split(":")[1]),
    )
    print("\n| 9 s, ElevenLabs' WebSocket | first audio | ÷ in process | all | ÷ in process |\n|---|---|---|---|---|")
    with speech_clients.clients() as found:
        for count in (1, 16):
            runs = {
                "in process": lambda count=count: medians_of(at_once(lambda: streamed(voice), count)[0]),
                "pcm, 24 kHz": lambda count=count: medians_of(
                    [vars(row) for row in found.at_once("elevenlabs", port, NINE, "amber", count)]
                ),
            }
            figures = interleaved(runs, rounds if count == 1 else max(3, rounds // 4))
            own = figures["in process"]
            for name, row in figures.items():
                cells = [f"{1000 * row[key]:.1f} ms | {row[key] / own[key]:.2f}" for key in ("first", "whole")]
                print(f"| {count} {name} | {' | '.join(cells)} |")


def medians_of(rows: list[Mapping[str, float]]) -> Mapping[str, float]:
    """Return the median first audio and end of the clients that were served."""
    served = [row for row in rows if row["first"] == row["first"]]
    return {key: statistics.median(row[key] for row in served) for key in ("first", "whole")}


def refusals(place: str, rounds: int) -> None:
    """Print how soon a client that is one too many is refused, while another reads slowly."""
    other = http.client.HTTPConnection(place)
    body = {"model": "m", "voice": "amber", "input": NINE * 200, "response_format": "pcm"}
    other.request("POST", "/v1/audio/speech", json.dumps(body))
    other.getresponse().read(1)
    connection = http.client.HTTPConnection(place)
    rows = [requested(connection) for _ in range(10 * rounds)]
    refused = [1000 * row["whole"] for row in rows if row["status"] == 503]
    other.close()
    print(f"\n{len(refused)} of {len(rows)} refused, after {statistics.median(refused):.1f} ms (median), ", end="")
    print(f"{percentile(refused, 0.99):.1f} ms (99 %), {max(refused):.1f} ms (longest)")


def main() -> None:
    """Measure all cases, and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    print(f"{machine()}; amber")
    with served() as place:
        first_audio(place, options.rounds)
        print("\n| 9 s, clients at once | audio a second | first audio | refused |\n|---|---|---|---|")
        for count in (8, 16):
            clients(place, count, max(3, options.rounds // 4))
        websockets(place, options.rounds)
    with served("--max-streams", "1") as place:
        refusals(place, options.rounds)


if __name__ == "__main__":
    main()
