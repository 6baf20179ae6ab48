"""What four blocks cost over a hand-written loop on the same networks, chunk by chunk."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import by_hand
import numpy as np
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


def timed(chunks: Iterator[np.ndarray]) -> dict[str, float]:
    """Take all chunks; figures a chunk, and the first."""
    watch, first, count = Stopwatch(), 0.0, 0
    for _ in chunks:
        first = first or watch.wall
        count += 1
    return {"first": first, "chunk": watch.wall / count, "count": count}


def sizes(size: int) -> Iterator[int]:
    """The same chunks that the schedule of the blocks makes."""
    return itertools.chain([size + LOOKAHEAD], itertools.repeat(size))


def run(rounds: int) -> list[Row]:
    """Measure chunks of several sizes; a chunk of the blocks and one of the loop hold the same frames."""
    voice, networks = voxstack.load("amber"), by_hand.Networks()
    encoded, durations = networks.encode(NINE)
    block = voxstack.build(STACK, voice.addon, given=["encoded", "durations"])
    utterance: dict[str, Any] = {"encoded": encoded, "durations": durations}
    rows = []
    for size in (16, 32, 64, 128):
        scheduled = {**utterance, "schedule": Schedule(first=size, growth=1.0, largest=size)}
        blocks: Callable[[], Iterator[np.ndarray]] = lambda u=scheduled: block.stream(iter(()), u)  # noqa: E731
        loop: Callable[[], Iterator[np.ndarray]] = lambda n=size: by_hand.loop(networks, encoded, durations, sizes(n))  # noqa: E731
        same(np.concatenate(list(blocks())), np.concatenate(list(loop())))
        made = interleaved({"blocks": lambda b=blocks: timed(b()), "loop": lambda n=loop: timed(n())}, 6 * rounds)
        more = 1e6 * (made["blocks"]["chunk"] - made["loop"]["chunk"])
        note = f"{1e3 * made['blocks']['chunk']:.2f} ms against {1e3 * made['loop']['chunk']:.2f} ms a chunk, {made['loop']['count']:.0f} chunks"
        rows.append(Row(f"4 blocks, chunks of {size} frames: more than a hand-written loop", more, "µs a chunk", limit=50, note=note))
        ratio = made["blocks"]["first"] / made["loop"]["first"]
        note = f"{1e3 * made['blocks']['first']:.2f} ms against {1e3 * made['loop']['first']:.2f} ms"
        rows.append(Row(f"4 blocks, chunks of {size} frames: first audio, of the loop's", ratio, limit=1.1, note=note))
    return rows


def same(made: np.ndarray, expected: np.ndarray) -> None:
    """Refuse to time two loops that do not say the same."""
    assert made.shape == expected.shape, f"the blocks made {made.shape} samples and the loop {expected.shape}"
    error = np.abs(made - expected).max() / np.abs(expected).max()
    assert error <= 1e-5, f"the blocks and the loop differ by {error:.2g} of scale"
