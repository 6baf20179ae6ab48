"""Overhead of four blocks over a hand-written loop on the same networks, chunk by chunk."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import by_hand
import numpy as np
import onnxruntime
from measure import Row, Stopwatch, interleaved
from texts import NINE

import voxstack
from voxstack import Schedule

STACK = [
    {"type": "Upsampler"},
    {"type": "Decoder"},
    {"type": "Decoder", "network": "vocoder"},
    {"type": "InverseSTFT", "n_fft": 800, "hop_length": 200},
]
LOOKAHEAD = 41  # frames, of the three blocks after the upsampler


class NetworkMeter:
    """Sums the seconds spent in networks; patches ONNX Runtime."""

    def __init__(self) -> None:
        self.seconds = 0.0
        bare = onnxruntime.InferenceSession.run

        def run(session: Any, *arguments: Any) -> Any:
            start = time.perf_counter()
            try:
                return bare(session, *arguments)
            finally:
                self.seconds += time.perf_counter() - start

        onnxruntime.InferenceSession.run = run


def timed(chunks: Iterator[Any], meter: NetworkMeter) -> dict[str, float]:
    """Read all chunks; return the seconds to the first one, and the seconds per chunk, in all and outside networks."""
    watch, first, count, before = Stopwatch(), 0.0, 0, meter.seconds
    for _ in chunks:
        first = first or watch.wall
        count += 1
    wall = watch.wall
    return {"first": first, "chunk": wall / count, "outside": (wall - meter.seconds + before) / count, "count": count}


def sizes(size: int) -> Iterator[int]:
    """Yield the chunk sizes that the schedule gives the blocks."""
    return itertools.chain([size + LOOKAHEAD], itertools.repeat(size))


def run(rounds: int) -> list[Row]:
    """Measure chunks of several sizes; a chunk of the blocks and one of the loop hold the same frames."""
    voice, networks, meter = voxstack.load("amber"), by_hand.Networks(), NetworkMeter()
    encoded, durations, prosody = networks.encode(NINE)
    block = voxstack.build(STACK, voice.addon, available=["encoded", "durations", "lf0", "level"])
    rows = []
    for size in (16, 32, 64, 128):
        inputs = {"encoded": encoded, "durations": durations, "lf0": prosody[:, 0], "level": prosody[:, 1]}
        utterance = {**inputs, "schedule": Schedule(first=size, growth=1.0, largest=size)}
        runs = {
            "blocks": lambda u=utterance: block.stream(iter(()), u),
            "loop": lambda n=size: by_hand.loop(networks, encoded, durations, prosody, sizes(n)),
        }
        require_same(*(np.concatenate(list(run())) for run in runs.values()))
        figures = compare(runs, 8 * rounds, meter)
        rows += rows_of(f"4 blocks, chunks of {size} frames", figures["blocks"], figures["loop"])
    runs = {
        "blocks": lambda: voice.stream(NINE),
        "loop": lambda: by_hand.sentence_loop(networks, NINE, sizes(Schedule().first)),
    }
    figures = compare(runs, 8 * rounds, meter)
    quantity = "9 s sentence, from its text: first audio, of the hand-written loop's"
    rows.append(first_audio(quantity, figures["blocks"], figures["loop"], 1.1))
    return rows


def compare(
    runs: dict[str, Callable[[], Iterator[Any]]], rounds: int, meter: NetworkMeter
) -> dict[str, dict[str, float]]:
    """Return the medians of interleaved rounds."""
    return interleaved({name: lambda r=run: timed(r(), meter) for name, run in runs.items()}, rounds)


def rows_of(kind: str, blocks: dict[str, float], loop: dict[str, float]) -> list[Row]:
    """Return the rows of one chunk size."""
    extra = 1e6 * (blocks["outside"] - loop["outside"])
    outside = f"{1e6 * blocks['outside']:.0f} against {1e6 * loop['outside']:.0f} µs outside the networks"
    note = f"{outside}; {loop['count']:.0f} chunks"
    return [
        Row(f"{kind}: more than a hand-written loop", extra, "µs a chunk", limit=50, note=note),
        Row(f"{kind}: time in all, of the loop's", blocks["chunk"] / loop["chunk"]),
        first_audio(f"{kind}: first audio, of the loop's", blocks, loop, None),
    ]


def first_audio(quantity: str, blocks: dict[str, float], loop: dict[str, float], limit: float | None) -> Row:
    """Return the row that compares first chunks."""
    note = f"{1e3 * blocks['first']:.2f} against {1e3 * loop['first']:.2f} ms"
    return Row(quantity, blocks["first"] / loop["first"], limit=limit, note=note)


def require_same(found: np.ndarray, expected: np.ndarray) -> None:
    """Refuse to time two loops whose samples differ."""
    assert found.shape == expected.shape, f"the blocks returned {found.shape} samples and the loop {expected.shape}"
    error = np.abs(found - expected).max() / np.abs(expected).max()
    assert error <= 1e-5, f"the blocks and the loop differ by {error:.2g} of scale"
