"""What four blocks cost over a hand-written loop on the same networks, chunk by chunk."""

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
LOOKAHEAD = 41  # frames, of the three blocks behind the upsampler


class Meter:
    """Adds up the seconds that go by in the networks."""

    def __init__(self) -> None:
        self.seconds = 0.0
        bare = onnxruntime.InferenceSession.run

        def run(session: Any, *arguments: Any) -> Any:
            began = time.perf_counter()
            try:
                return bare(session, *arguments)
            finally:
                self.seconds += time.perf_counter() - began

        onnxruntime.InferenceSession.run = run


def timed(chunks: Iterator[Any], meter: Meter) -> dict[str, float]:
    """Take all chunks: the first, and what a chunk takes, in all and outside of the networks."""
    watch, first, count, before = Stopwatch(), 0.0, 0, meter.seconds
    for _ in chunks:
        first = first or watch.wall
        count += 1
    wall = watch.wall
    return {"first": first, "chunk": wall / count, "outside": (wall - meter.seconds + before) / count, "count": count}


def sizes(size: int) -> Iterator[int]:
    """The same chunks that the schedule of the blocks makes."""
    return itertools.chain([size + LOOKAHEAD], itertools.repeat(size))


def run(rounds: int) -> list[Row]:
    """Measure chunks of several sizes; a chunk of the blocks and one of the loop hold the same frames."""
    voice, networks, meter = voxstack.load("amber"), by_hand.Networks(), Meter()
    encoded, durations, prosody = networks.encode(NINE)
    block = voxstack.build(STACK, voice.addon, available=["encoded", "durations", "lf0", "level"])
    rows = []
    for size in (16, 32, 64, 128):
        given = {"encoded": encoded, "durations": durations, "lf0": prosody[:, 0], "level": prosody[:, 1]}
        utterance = {**given, "schedule": Schedule(first=size, growth=1.0, largest=size)}
        runs = {
            "blocks": lambda u=utterance: block.stream(iter(()), u),
            "loop": lambda n=size: by_hand.loop(networks, encoded, durations, prosody, sizes(n)),
        }
        same(*(np.concatenate(list(run())) for run in runs.values()))
        made = compared(runs, 8 * rounds, meter)
        blocks, loop = made["blocks"], made["loop"]
        more = 1e6 * (blocks["outside"] - loop["outside"])
        note = f"{1e6 * blocks['outside']:.0f} against {1e6 * loop['outside']:.0f} µs outside the networks; {loop['count']:.0f} chunks"
        rows.append(
            Row(
                f"4 blocks, chunks of {size} frames: more than a hand-written loop",
                more,
                "µs a chunk",
                limit=50,
                note=note,
            )
        )
        rows.append(
            Row(f"4 blocks, chunks of {size} frames: time in all, of the loop's", blocks["chunk"] / loop["chunk"])
        )
        rows.append(first_audio(f"4 blocks, chunks of {size} frames: first audio, of the loop's", blocks, loop, None))
    runs = {
        "blocks": lambda: voice.stream(NINE),
        "loop": lambda: by_hand.sentence_loop(networks, NINE, sizes(Schedule().first)),
    }
    made = compared(runs, 8 * rounds, meter)
    rows.append(
        first_audio(
            "9 s sentence, from its text: first audio, of the hand-written loop's", made["blocks"], made["loop"], 1.1
        )
    )
    return rows


def compared(runs: dict[str, Callable[[], Iterator[Any]]], rounds: int, meter: Meter) -> dict[str, dict[str, float]]:
    """Medians of interleaved rounds."""
    return interleaved({name: lambda r=run: timed(r(), meter) for name, run in runs.items()}, rounds)


def first_audio(what: str, blocks: dict[str, float], loop: dict[str, float], limit: float | None) -> Row:
    """The row that compares first chunks."""
    return Row(
        what,
        blocks["first"] / loop["first"],
        limit=limit,
        note=f"{1e3 * blocks['first']:.2f} against {1e3 * loop['first']:.2f} ms",
    )


def same(made: np.ndarray, expected: np.ndarray) -> None:
    """Refuse to time two loops that do not say the same."""
    assert made.shape == expected.shape, f"the blocks made {made.shape} samples and the loop {expected.shape}"
    error = np.abs(made - expected).max() / np.abs(expected).max()
    assert error <= 1e-5, f"the blocks and the loop differ by {error:.2g} of scale"
