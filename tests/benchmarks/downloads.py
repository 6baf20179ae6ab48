"""Downloads of speech over HTTP, with and without observing what the client has read.

``python tests/benchmarks/downloads.py [--rounds 20]``: amber in two processes on the loopback device. One observes what
its clients have read. A client reads as fast as it can, from both in turns. Ratios of medians, and of the first
quartiles, which are less disturbed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import time
from pathlib import Path

from measure import machine, percentile
from texts import NINE, SIXTY

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from speech_server import SpeechServer, speech_server

TEXTS = {"9 s": NINE, "60 s": SIXTY, "10 min": SIXTY * 10}
FORMATS = ("pcm", "mp3", "opus")


def download(server: SpeechServer, text: str, name: str) -> float:
    """Return the seconds of a download."""
    connection = http.client.HTTPConnection(*server.http)
    body = {"model": "m", "voice": "amber", "input": text, "response_format": name}
    began = time.perf_counter()
    connection.request("POST", "/v1/audio/speech", json.dumps(body))
    connection.getresponse().read()
    connection.close()
    return time.perf_counter() - began


def ratios(observed: SpeechServer, other: SpeechServer, text: str, name: str, rounds: int) -> list[float]:
    """Return the median of the observed downloads in seconds, and the ratios of medians and of first quartiles."""
    figures: dict[int, list[float]] = {0: [], 1: []}
    for number in range(rounds):
        for which in (0, 1) if number % 2 else (1, 0):
            figures[which].append(download((other, observed)[which], text, name))
    median, quarter = (percentile(figures[1], part) / percentile(figures[0], part) for part in (0.5, 0.25))
    return [percentile(figures[1], 0.5), median, quarter]


def main() -> None:
    """Measure all cases, and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    print(f"{machine()}; amber\n\n| download | seconds | ratio of medians | of first quartiles |\n|---|---|---|---|")
    with speech_server() as observed, speech_server(measured=False) as other:
        for name in FORMATS:
            for length, text in TEXTS.items():
                rounds = max(4, options.rounds // (1 if length == "9 s" else 4))
                download(observed, NINE, name), download(other, NINE, name)
                found = ratios(observed, other, text, name, rounds)
                print(f"| {name}, {length} | " + " | ".join(f"{figure:.2f}" for figure in found) + " |", flush=True)


if __name__ == "__main__":
    main()
