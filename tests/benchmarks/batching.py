"""Concurrent streams of small steps, with and without batched calls.

    python tests/benchmarks/batching.py [--rounds 7] [--seconds 0.5] [--limit]

All runs use one thread per call and two workers and are interleaved; figures are ratios of medians. "Per CPU second"
is the one that other work on the machine disturbs least. Two networks have random weights: batching is for networks
that are larger than those of the voices here.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from measure import Stopwatch, interleaved, percentile

import voxstack
import voxstack_batching.network
from voxstack.networks import Context, NetworkSpec, Runner, Streaming
from voxstack.networks.addon import Addon
from voxstack_batching import BatchingNetwork
from voxstack_onnx_runtime.opening import open_network

Arrays = dict[str, np.ndarray]
WORKERS, BATCH = 2, 8


class Step:
    """The work of a stream in one turn: calls of networks, one after the other.

    :param calls: the networks, each with its spec, the length of its free axes, and the number of calls.
    """

    def __init__(self, *calls: tuple[Runner, NetworkSpec, int, int]) -> None:
        self.calls = calls

    def batching(self, lanes: int) -> Step:
        """Return the same work with batched calls."""
        return Step(
            *((BatchingNetwork(run, spec, BATCH, lanes), spec, steps, times) for run, spec, steps, times in self.calls)
        )

    def examples(self, seed: int) -> list[Arrays]:
        """Return random inputs for each network."""
        return [example(spec, seed, steps) for _, spec, steps, _ in self.calls]

    def __call__(self, examples: list[Arrays]) -> None:
        for (run, _, _, times), inputs in zip(self.calls, examples, strict=True):
            for _ in range(times):
                run(**inputs)

    def batch(self) -> float:
        """Return the mean number of calls in a batch, over all networks."""
        sizes = [run.stats["batches"] for run, *_ in self.calls if isinstance(run, BatchingNetwork)]
        batches = sum(sum(counts.values()) for counts in sizes)
        return sum(size * count for counts in sizes for size, count in counts.items()) / batches if batches else 1.0


def example(spec: NetworkSpec, seed: int, steps: int) -> Arrays:
    """Return random inputs as in the middle of a stream, where states are twice as long as at its beginning."""
    random, inputs = np.random.default_rng(seed), {}
    for name, tensor in spec.inputs.items():
        state = spec.streaming.states.get(name) if isinstance(spec.streaming, Streaming) else None
        free = 2 * state.steps if state and state.steps else steps
        shape = [1 if size == "batch" else free if isinstance(size, str) else size for size in tensor.shape]
        values = np.ones(shape) if tensor.mask else random.standard_normal(shape)
        is_float = tensor.dtype.startswith("float")
        inputs[name] = values.astype(tensor.dtype) if is_float else np.zeros(shape, tensor.dtype)
    return inputs


def voice_step(steps: int, form: str) -> Step:
    """Return a step of ``steps`` new frames through amber's decoder and prism's vocoder."""
    addon = Addon.open("amber", voxstack.Registry.installed(), {"runtime": "onnx", "streaming": form})
    calls = []
    for name in ("decoder", "vocoder"):
        spec = addon.networks[name]
        assert isinstance(spec.streaming, Streaming)
        context = spec.streaming.left + spec.streaming.right if form == "windowed" else 0
        spec = spec if form == "windowed" else spec.stateful or spec
        calls.append((open_network(spec, addon.context), spec, steps + context, 1))
    return Step(*calls)


def random_step(
    folder: Path,
    name: str,
    axes: list[str],
    weights: dict[str, tuple[int, int]],
    chain: list[str],
    steps: int,
    times: int,
) -> Step:
    """Write a network of random weights that multiplies its frames by matrices, and return a step of it.

    :param axes: of its input and output, before the last.
    :param chain: names of ``weights`` in the order in which they are used.
    """
    import onnx
    from onnx import helper, numpy_helper

    random, nodes, last = np.random.default_rng(0), [], "frames"
    for number, weight in enumerate(chain):
        following = "outputs" if number == len(chain) - 1 else f"between{number}"
        nodes += [
            helper.make_node("MatMul", [last, weight], [f"by{number}"]),
            helper.make_node("Tanh", [f"by{number}"], [following]),
        ]
        last = following
    shapes = {"frames": [*axes, weights[chain[0]][0]], "outputs": [*axes, weights[chain[-1]][1]]}
    floats = onnx.TensorProto.FLOAT
    source, target = (helper.make_tensor_value_info(key, floats, shape) for key, shape in shapes.items())
    values = {key: (random.standard_normal(size) / size[0] ** 0.5).astype(np.float32) for key, size in weights.items()}
    graph = helper.make_graph(
        nodes, name, [source], [target], [numpy_helper.from_array(value, key) for key, value in values.items()]
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), folder / f"{name}.onnx"
    )
    config: dict[str, Any] = {"role": "decoder", "exports": [{"format": "onnx", "symbol": f"{name}.onnx"}]}
    config |= {
        side: {key: {"dtype": "float32", "shape": shapes[key]}}
        for side, key in (("inputs", "frames"), ("outputs", "outputs"))
    }
    spec = NetworkSpec.of(name, config, name, lambda file: folder / file, False)
    return Step((open_network(spec, Context()), spec, steps, times))


def autoregressive(folder: Path) -> Step:
    """Return a chunk of eight steps of a network of 8.4 million weights."""
    weights = {"wide": (2048, 2048), "narrow": (2048, 1024), "back": (1024, 2048)}
    return random_step(folder, "autoregressive", ["batch"], weights, list(weights), steps=1, times=8)


def large(folder: Path, frames: int = 16) -> Step:
    """Return a step of ``frames`` through 12.6 million weights, the size of a vocoder for 22 or 24 kHz."""
    weights = {
        f"{kind}{layer}": size for layer in range(8) for kind, size in (("up", (512, 1536)), ("down", (1536, 512)))
    }
    return random_step(folder, "large", ["batch", "frames"], weights, list(weights), steps=frames, times=1)


def together(step: Step, streams: int, seconds: float) -> Mapping[str, float]:
    """Run streams at once, one step per turn, the one with the fewest steps first."""
    scheduler, counts, took = voxstack.Scheduler(WORKERS, load=None, patience=None), [0] * streams, []
    examples, end = [step.examples(seed) for seed in range(streams)], time.perf_counter() + seconds

    def stream(number: int) -> None:
        ticket = scheduler.admit("stream", lambda: float(counts[number]), refuse=False)
        while (requested := time.perf_counter()) < end:
            with ticket.turn():
                step(examples[number])
            took.append(time.perf_counter() - requested)
            counts[number] += 1
        ticket.leave()

    threads = [threading.Thread(target=stream, args=(number,)) for number in range(streams)]
    watch = Stopwatch()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "wall": sum(counts) / watch.wall,
        "cpu": sum(counts) / watch.cpu,
        "p95": percentile(took, 0.95),
        "batch": step.batch(),
    }


def row(step: Step, streams: int, rounds: int, seconds: float) -> str:
    """Measure one row of a table, and return its cells."""
    lanes = WORKERS - 1
    kinds = {
        "alone": lambda: together(step, streams, seconds),
        "batched": lambda: together(step.batching(lanes), streams, seconds),
    }
    figures = interleaved(kinds, rounds)
    alone, batched = figures["alone"], figures["batched"]
    ratios = [f"{batched[key] / alone[key]:.2f}" for key in ("wall", "cpu", "p95")]
    return " | ".join([*ratios, f"{batched['batch']:.1f}", f"{alone['wall']:.0f}"])


def overhead(calls: int = 20000) -> str:
    """Measure the microseconds that batching adds to each call of a lone stream.

    The network has the inputs of the vocoder's stateful form.
    """
    ((_, spec, *_),) = [call for call in voice_step(16, "stateful").calls if call[1].name == "vocoder"]
    outputs = {name: np.zeros((1, 1), np.float32) for name in spec.outputs}
    inputs = example(spec, 0, 16)

    def bare(**tensors: np.ndarray) -> Arrays:
        return outputs

    def seconds(run: Runner) -> float:
        watch = Stopwatch()
        for _ in range(calls):
            run(**inputs)
        return watch.wall / calls

    small, large = BatchingNetwork(bare, spec, BATCH, 1), BatchingNetwork(bare, spec, BATCH, 1)
    kinds: dict[str, Callable[[], float]] = {"bare": lambda: seconds(bare), "small": lambda: seconds(small)}
    found: dict[str, list[float]] = {name: [] for name in [*kinds, "large"]}
    for _ in range(9):
        for name, run in kinds.items():
            found[name].append(run())
        inputs, small_inputs = example(spec, 0, voxstack_batching.network.MAX_STEPS + 1), inputs
        found["large"].append(seconds(large))
        inputs = small_inputs
    fastest = {name: min(values) * 1e6 for name, values in found.items()}
    small_us, large_us = (fastest[kind] - fastest["bare"] for kind in ("small", "large"))
    return f"a call alone: {small_us:.1f} us more; a large call: {large_us:.1f} us more"


def table(name: str, first: str) -> None:
    """Print the head of a table."""
    columns = [first, "throughput", "per CPU second", "p95 of a step", "calls a batch", "steps/s alone"]
    print(f"\n{name}\n\n| {' | '.join(columns)} |\n|{' --- |' * len(columns)}")


def limits(folder: Path, rounds: int, seconds: float) -> None:
    """Measure at which lengths batching pays, and print the tables."""
    voxstack_batching.network.MAX_STEPS = 10**6
    kinds: dict[str, Callable[[int], Step]] = {
        "12.6 million weights": lambda frames: large(folder, frames),
        "amber and prism, stateful": lambda frames: voice_step(frames, "stateful"),
        "amber and prism, windowed": lambda frames: voice_step(frames, "windowed"),
    }
    for name, step in kinds.items():
        table(f"16 streams, {name}, every length batched", "frames")
        for frames in (4, 16, 32, 48, 64, 96):
            print(f"| {frames} | {row(step(frames), 16, rounds, seconds)} |", flush=True)


def main() -> None:
    """Print one table for each kind of step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each run")
    parser.add_argument("--limit", action="store_true", help="also measure at which lengths batching pays")
    options = parser.parse_args()
    print(overhead())
    with tempfile.TemporaryDirectory() as folder:
        kinds = {
            "autoregressive, 8.4 million weights, 8 steps a chunk": autoregressive(Path(folder)),
            "12.6 million weights, 16 frames a chunk": large(Path(folder)),
            "decoder of amber and vocoder of prism, 3 million weights, 16 frames a chunk": voice_step(16, "stateful"),
        }
        for name, step in kinds.items():
            table(name, "streams")
            for streams in (1, 2, 4, 8, 16, 32):
                print(f"| {streams} | {row(step, streams, options.rounds, options.seconds)} |", flush=True)
        if options.limit:
            limits(Path(folder), options.rounds, options.seconds)


if __name__ == "__main__":
    main()
