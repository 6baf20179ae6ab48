"""Streams that go on where another process stopped, beside whole ones.

``python tests/benchmarks/resuming.py [--rounds 20]``. The rows of each table run in turn:

* **in process**: the time to the first audio of a stream of 60 s from its start, and from a tenth, a half and nine
  tenths of it on; as a multiple of the first, and of the time in which a stream from the start passes that place.
* **over HTTP**: the same of responses, by format, as a multiple of the first audio of a new request.
* **kills**: the longest pause that a client hears of whose server is killed, against the same without a kill.
"""

from __future__ import annotations

import argparse
import functools
import http.client
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

from measure import Runs, interleaved, machine
from texts import NINE, SIXTY

import voxstack
from voxstack_serve.client import resumable_speech

SHARES = (0.1, 0.5, 0.9)
SENTENCES = " ".join([NINE] * 7)
TEXTS = {"7 sentences": SENTENCES, "1 sentence": SIXTY}


def first_audio(voice: voxstack.Voice, text: str, start: int) -> Mapping[str, float]:
    """Return the seconds to the first chunk of a stream."""
    began = time.perf_counter()
    with closing(voice.stream(text, start=start)) as chunks:  # type: ignore[type-var]
        next(chunks)
    return {"first": time.perf_counter() - began}


def dropped(voice: voxstack.Voice, text: str, start: int) -> Mapping[str, float]:
    """Return the seconds until a stream from the beginning has passed a sample, with chunks as long as is cheapest."""
    began, position = time.perf_counter(), 0
    schedule = voxstack.Schedule(first=512)
    with closing(voice.stream(text, schedule=schedule)) as chunks:  # type: ignore[type-var]
        while position <= start:
            position += len(next(chunks).samples)
    return {"first": time.perf_counter() - began}


def in_process(name: str, label: str, rounds: int) -> None:
    """Print the first audio of a text from several samples on."""
    voice, text = voxstack.load(name, scheduler=voxstack.Scheduler(load=None, patience=None)), TEXTS[label]
    count = len(voice.synthesize(text).samples)
    runs: Runs = {"new": functools.partial(first_audio, voice, text, 0)}
    for share in SHARES:
        start = int(share * count)
        runs[f"from {share:.0%}"] = functools.partial(first_audio, voice, text, start)  # type: ignore[index]
        runs[f"drop {share:.0%}"] = functools.partial(dropped, voice, text, start)  # type: ignore[index]
    found = {key: figures["first"] for key, figures in interleaved(runs, rounds).items()}
    cells = [f"{1000 * found['new']:.0f} ms"]
    for share in SHARES:
        resumed, whole = found[f"from {share:.0%}"], found[f"drop {share:.0%}"]
        cells.append(f"{1000 * resumed:.0f} ms: {resumed / found['new']:.1f}, {resumed / whole:.2f}")
    print(f"| {name}, {label} of {count / voice.sample_rate:.0f} s | " + " | ".join(cells) + " |")


@contextmanager
def servers(count: int) -> Iterator[list[tuple[subprocess.Popen[str], str]]]:
    """Serve amber by several processes; provide them with their addresses."""
    program = [sys.executable, "-m", "voxstack_cli", "serve", "--voice", "amber", "--port", "0"]
    processes = [subprocess.Popen(program, stderr=subprocess.PIPE, text=True) for _ in range(count)]
    try:
        yield [(process, _address(process)) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    found = next(match[1] for line in process.stderr if (match := re.match(r"(\S+) serves ", line)))
    threading.Thread(target=process.stderr.read, daemon=True).start()
    return found


def requested(connection: http.client.HTTPConnection, name: str, tag: str | None, start: int) -> Mapping[str, float]:
    """Return the seconds to the first audio of a response without its first bytes."""
    body = {"model": "m", "voice": "amber", "input": SENTENCES, "response_format": name, "start_byte": start}
    began = time.perf_counter()
    connection.request("POST", "/v1/audio/speech", json.dumps(body), {} if tag is None else {"if-match": tag})
    response = connection.getresponse()
    response.read(64)
    first = time.perf_counter() - began
    length = 64 + len(response.read())
    return {"first": first, "length": length, "tag": response.headers["etag"]}  # type: ignore[dict-item]


def over_http(url: str, name: str, rounds: int) -> None:
    """Print the first audio of responses of one format from several bytes on."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    whole: Mapping[str, Any] = requested(connection, name, None, 0)
    runs: Runs = {"new": lambda: {"first": requested(connection, name, None, 0)["first"]}}
    for share in SHARES:
        start = int(share * whole["length"])
        runs[f"{share:.0%}"] = lambda start=start: {  # type: ignore[index,misc]
            "first": requested(connection, name, whole["tag"], start)["first"]
        }
    found = {key: figures["first"] for key, figures in interleaved(runs, rounds).items()}
    new = found.pop("new")
    cells = [f"{1000 * new:.0f} ms", *(f"{1000 * value:.0f} ms: {value / new:.1f}" for value in found.values())]
    print(f"| {name} | " + " | ".join(cells) + " |")


def pauses(name: str, other: str, rounds: int) -> None:
    """Print the longest pause of a client, without a kill and with one at a tenth of the audio.

    :param other: address of a server that lives on.
    """
    whole = b"".join(resumable_speech(other, SENTENCES, voice="amber", response_format=name))
    without, with_kill = [], []
    for _ in range(rounds):
        with servers(1) as ((process, url),):
            b"".join(resumable_speech(url, NINE, voice="amber"))
            without.append(longest(name, [url, other], None, whole))
            with_kill.append(longest(name, [url, other], process, whole))
    print(
        f"| {name} | {1000 * statistics.median(without):.0f} ms | {1000 * statistics.median(with_kill):.0f} ms | "
        f"{1000 * max(with_kill):.0f} ms |"
    )


def longest(name: str, urls: list[str], process: subprocess.Popen[str] | None, whole: bytes) -> float:
    """Return the longest pause between two parts; a process is killed at a tenth of the audio."""
    received, last, pause = bytearray(), 0.0, 0.0
    for part in resumable_speech(urls, SENTENCES, voice="amber", response_format=name):
        now = time.perf_counter()
        pause = max(pause, now - last) if received else 0.0
        received += part
        if process is not None and len(received) > len(whole) // 10:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            process = None
        last = time.perf_counter()
    assert received == whole, "the audio is another one"
    return pause


def main() -> None:
    """Measure all cases, and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--kills", type=int, default=5)
    options = parser.parse_args()
    print(f"{machine()}\n")
    shares = " | ".join(f"from {share:.0%}" for share in SHARES)
    print(f"| first audio in process | new | {shares} |\n|---|---|---|---|---|")
    for name in ("amber", "cobalt"):
        for label in TEXTS:
            in_process(name, label, options.rounds)
    print(f"\n| first audio over HTTP, amber | new | {shares} |\n|---|---|---|---|---|")
    with servers(1) as ((_, url),):
        for name in ("wav", "pcm", "flac", "mp3"):
            over_http(url, name, options.rounds)
        print("\n| longest pause, amber | without a kill, median | with one, median | longest |\n|---|---|---|---|")
        for name in ("wav", "pcm", "mp3"):
            pauses(name, url, options.kills)


if __name__ == "__main__":
    main()
