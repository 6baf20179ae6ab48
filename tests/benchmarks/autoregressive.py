"""An autoregressive decoder against its bare network, and many streams of it at once.

    python tests/benchmarks/autoregressive.py [--rounds 30] [--seconds 2]

The decoder is that of cobalt, with the encodings of held-out sentences. All runs use one thread per call and are
interleaved; rows are ratios of medians. "Bare" is ONNX Runtime's session, called in a loop that only passes states on.
"""

from __future__ import annotations

import argparse
import threading
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from measure import Row, Stopwatch, interleaved, machine, markdown

import voxstack
from voxstack import Schedule
from voxstack.blocks import children
from voxstack.networks import first_states

WORKERS, STREAMS = 2, 16
SENTENCES = Path(__file__).parents[2] / "plugins" / "voice_amber" / "training" / "heldout.txt"

Utterance = Mapping[str, Any]


class Decoder:
    """The autoregressive decoder of a voice, and its inputs for some sentences.

    :param window: whether its attention is restricted, as in the voice.
    """

    def __init__(self, context: str | None, window: bool = True) -> None:
        voice = voxstack.load("cobalt", context=context)
        pipeline = _find(voice.block, "StreamablePipeline")
        self.block = _find(voice.block, "AutoregressiveDecoder")
        if not window:
            self.block.back = self.block.ahead = self.block.longest = None
        self.network = voice.addon.network("step")
        self.utterances = []
        for line in SENTENCES.read_text().splitlines()[:STREAMS]:
            request = voice.request(line)
            utterance = {**request, **pipeline.sequence_block(request)}
            self.utterances.append({name: value for name, value in utterance.items() if name != "timeline"})

    def stream(self, number: int, size: int | None) -> Iterator[np.ndarray]:
        """Yield the chunks of one sentence, of ``size`` frames each; None: of the default schedule."""
        schedule = Schedule(first=size, growth=1.0001, largest=size) if size else Schedule()
        return self.block.stream(iter(()), {**self.utterances[number % len(self.utterances)], "schedule": schedule})

    def steps(self, number: int, size: int | None) -> int:
        """Decode one sentence and return the number of steps."""
        return sum(len(chunk) for chunk in self.stream(number, size)) // 4


def _find(block: Any, name: str) -> Any:
    blocks = [block]
    for parent in blocks:
        blocks.extend(child for _, child in children(parent, ""))
    return next(found for found in blocks if type(found).__name__ == name)


def bare(decoder: Decoder, steps: int) -> None:
    """Run the first steps of the first sentence in ONNX Runtime."""
    session, spec, utterance = _session(decoder), decoder.network.spec, decoder.utterances[0]
    inputs = {
        "keys": utterance["keys"][None],
        "values": utterance["values"][None],
        "mask": np.ones((1, len(utterance["keys"])), np.float32),
    }
    names = [output.name for output in session.get_outputs()]
    states = first_states(spec)
    for _ in range(steps):
        outputs = dict(zip(names, session.run(None, {**inputs, **states}), strict=True))
        states = {name: outputs[state.next] for name, state in spec.states.items()}


_SESSIONS: dict[str, onnxruntime.InferenceSession] = {}


def _session(decoder: Decoder) -> onnxruntime.InferenceSession:
    path = str(decoder.network.spec.export("onnx", "onnx"))
    if path not in _SESSIONS:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        _SESSIONS[path] = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return _SESSIONS[path]


def overhead(rounds: int) -> list[Row]:
    """Compare the block with the bare loop."""
    restricted, free = Decoder(None), Decoder(None, window=False)
    steps = restricted.steps(0, None)

    def timed(work: Any) -> dict[str, float]:
        watch = Stopwatch()
        count = work()
        return {"us": 1e6 * watch.wall / (count or steps)}

    kinds = {"bare": lambda: timed(lambda: bare(restricted, steps))}
    kinds |= {
        f"free, {size or 'growing'}": lambda size=size: timed(lambda: free.steps(0, size)) for size in (None, 64, 16, 4)
    }
    kinds |= {
        f"window, {size or 'growing'}": lambda size=size: timed(lambda: restricted.steps(0, size))
        for size in (None, 64, 16, 4)
    }
    figures = interleaved(kinds, rounds)
    base = figures.pop("bare")["us"]
    limits = {"free, growing": 1.1, "window, growing": 1.1, "free, 64": 1.1, "window, 64": 1.1}
    rows = [Row("the bare call", base, "us", note=f"{steps} steps of four frames")]
    return rows + [
        Row(f"a step over it, {name} frames a chunk", kind["us"] / base, limit=limits.get(name))
        for name, kind in figures.items()
    ]


def first_frames() -> Row:
    """Count the calls of the network before the first frames."""
    decoder, calls = Decoder(None), 0
    run = decoder.network._run

    def counting(**tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        nonlocal calls
        calls += 1
        return run(**tensors)

    decoder.network._run = counting
    next(decoder.stream(0, 1))
    decoder.network._run = run
    return Row("steps before the first frames", calls, "steps", 1)


def memory() -> Row:
    """Compare the peak memory of two streams that run to their limit of steps, one ten times as long as the other."""
    decoder = Decoder(None)
    run = decoder.network._run
    decoder.network._run = lambda **tensors: {**run(**tensors), "stop": np.full((1, 1), -1, np.float32)}

    def peak(steps: int) -> float:
        decoder.block.spare_steps = steps
        tracemalloc.start()
        for _ in decoder.stream(0, 64):
            pass
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(100)
    short, long = peak(400), peak(4000)
    decoder.network._run = run
    return Row("peak memory of 4 000 steps over that of 400", long / short, limit=1.05, note=f"{short / 1e6:.2f} MB")


def together(decoder: Decoder, streams: int, seconds: float, size: int) -> dict[str, float]:
    """Run streams at once, each chunk in a turn; return decoded steps per second and per CPU second."""
    scheduler, counts, end = (
        voxstack.Scheduler(load=None, patience=None),
        [0] * streams,
        time.perf_counter() + seconds,
    )

    def stream(number: int) -> None:
        ticket, sentence = scheduler.admit("stream", lambda: float(counts[number]), refuse=False), number
        while time.perf_counter() < end:
            chunks = decoder.stream(sentence, size)
            sentence += 1
            while True:
                with ticket.turn():
                    chunk = next(chunks, None)
                if chunk is None:
                    break
                counts[number] += len(chunk) // 4
        ticket.leave()

    threads = [threading.Thread(target=stream, args=(number,)) for number in range(streams)]
    watch = Stopwatch()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"wall": sum(counts) / watch.wall, "cpu": sum(counts) / watch.cpu}


def many_streams(rounds: int, seconds: float, size: int = 128) -> list[Row]:
    """Compare many streams with one."""
    alone, batched = Decoder(None), Decoder("server")
    kinds = {"one": lambda: together(alone, 1, seconds, size), "apart": lambda: together(alone, STREAMS, seconds, size)}
    figures = interleaved({**kinds, "together": lambda: together(batched, STREAMS, seconds, size)}, rounds)
    single = figures["one"]
    rows = [Row("steps a second, one stream", single["wall"], "steps/s")]
    for name, limit in (("apart", None), ("together", 3.0)):
        rows.append(
            Row(f"{STREAMS} streams {name} over one", figures[name]["wall"] / single["wall"], limit=limit, minimum=True)
        )
        rows.append(Row(f"the same, a CPU second, {name}", figures[name]["cpu"] / single["cpu"]))
    return rows


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each round with many streams")
    options = parser.parse_args()
    rows = [
        *overhead(options.rounds),
        first_frames(),
        memory(),
        *many_streams(max(3, options.rounds // 6), options.seconds),
    ]
    print(f"{machine()}\n\n{markdown(rows)}")


if __name__ == "__main__":
    main()
