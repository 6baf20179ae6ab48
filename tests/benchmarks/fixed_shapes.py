"""Cost of fixed sizes for a voice, against networks that accept any length.

    python tests/benchmarks/fixed_shapes.py [--rounds 2] [--utterances 200] [--runtimes onnx,openvino]
        [--only speech,memory] [--shapes JSON] [--out FOLDER]
    python tests/benchmarks/fixed_shapes.py --search

Amber synthesizes utterances of 1 to 60 words in every context in turn, as a whole and live, with one thread per
network call. Times are CPU seconds: the smallest of all rounds for each utterance, summed. FOLDER receives
``fixed_shapes.md`` and ``fixed_shapes.json``.

``--search`` finds the cheapest sizes for these utterances, from the measured cost of a call and of a step of each
network.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from measure import Row, fresh, machine, markdown
from texts import NINE, ONE, PARAGRAPH, SIXTY

import voxstack
from voxstack import Schedule, windows
from voxstack_voice.playback import Playback

NAMES = "Doctor Brzezowska, Mister Okonkwole and the Llanfyllwyn sisters never met Xanthiphane Quorlby."
"""Words outside the lexicon, for the pronunciation network."""

SPEAK = """
import json, sys
import voxstack
from measure import peak_memory
from texts import sentences_for
voice = voxstack.load("amber", context=json.loads(sys.argv[1]))
loaded = peak_memory()
for text in ("Good morning.", sentences_for(60)):
    for chunk in voice.stream(text):
        pass
print(json.dumps({"loaded": loaded, "peak": peak_memory()}))
"""


def main() -> int:
    """Measure, print and write; return exit status 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--utterances", type=int, default=200)
    parser.add_argument("--runtimes", default="onnx,openvino")
    parser.add_argument("--only", default="speech,memory", help="sections to measure (default: speech,memory)")
    parser.add_argument(
        "--shapes", type=json.loads, help="sizes by axis, as JSON (default: those of amber's context 'fixed')"
    )
    parser.add_argument("--search", action="store_true", help="find good sizes instead of measuring")
    parser.add_argument("--out", type=Path, default=Path("fixed-shapes-benchmark"))
    options = parser.parse_args()
    options.shapes = options.shapes or voxstack.load("amber").addon.config["contexts"]["fixed"]["shapes"]
    texts = utterances(options.utterances)
    if options.search:
        search(texts)
        return 0
    rows: list[Row] = []
    for runtime in options.runtimes.split(","):
        try:
            voxstack.load("amber", context={"runtime": runtime})
        except voxstack.ContextError as error:
            print(f"skipping {runtime}: {error}", file=sys.stderr)
            continue
        if "speech" in options.only:
            rows += speech(runtime, texts, options.shapes, options.rounds)
        if "memory" in options.only:
            rows += memory(runtime, options.shapes)
    table = f"{machine()}; {len(texts)} utterances; sizes {json.dumps(options.shapes)}\n\n{markdown(rows)}\n"
    print(table)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "fixed_shapes.md").write_text(table, encoding="utf-8")
    figures = [row.as_json() | {"holds": row.holds} for row in rows]
    (options.out / "fixed_shapes.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return int(any(row.holds is False for row in rows))


def utterances(count: int, longest: int = 60) -> list[str]:
    """Return texts of 1 to ``longest`` words, equally many of each length, cut from running text at any word."""
    words = " ".join((PARAGRAPH, NINE, NAMES, SIXTY, ONE)).split()
    starts = ((number * 53 % len(words), 1 + number * 37 % longest) for number in range(count))
    return [" ".join((words * 2)[start : start + size]).rstrip(".,") + "." for start, size in starts]


def speech(runtime: str, texts: Sequence[str], shapes: dict[str, Any], rounds: int) -> list[Row]:
    """Measure CPU time, error, waste and compilations of one runtime."""
    contexts: dict[str, dict[str, Any]] = {
        "any length": {"runtime": runtime},
        "any length, in windows": {"runtime": runtime, "streaming": "windowed"},
        "fixed": {"runtime": runtime, "shapes": shapes},
    }
    voices = {name: voxstack.load("amber", context=context) for name, context in contexts.items()}
    plain = voices["any length"].addon.opened
    if all(network.effective.form != "stateful" for network in plain):
        del voices["any length, in windows"]  # it would be the same
    fixed = voices["fixed"].addon.opened
    compiled = _compilations(fixed)
    cost: dict[tuple[str, str], list[float]] = defaultdict(lambda: [np.inf] * len(texts))
    errors = dict.fromkeys(list(voices)[:-1], 0.0)
    for _, (number, text) in itertools.product(range(rounds), enumerate(texts)):
        samples = {}
        for name, voice in voices.items():
            samples[name], figures = _synthesize(voice, text)
            for kind, seconds in figures.items():
                cost[name, kind][number] = min(cost[name, kind][number], seconds)
        for name in errors:
            pairs = zip(samples["fixed"], samples[name], strict=True)
            errors[name] = max(
                errors[name],
                *(float(np.abs(found - expected).max() / np.abs(expected).max()) for found, expected in pairs),
            )
    rows = []
    for name in list(voices)[:-1]:
        for kind, limit in (("as a whole", 1.5), ("live", 1.5), ("live, to the first audio", None)):
            ours, theirs = sum(cost["fixed", kind]), sum(cost[name, kind])
            note = f"{ours:.3g} against {theirs:.3g} s"
            rows.append(Row(f"{runtime}, {kind}: CPU, of {name}", ours / theirs, limit=limit, note=note))
    rows += [
        Row(f"{runtime}: difference from {name}, of the peak", error, "", limit=1e-3) for name, error in errors.items()
    ]
    new = _compilations(fixed) - compiled
    if compiled:  # a runtime that reports none compiles none, or does not count them
        rows.append(Row(f"{runtime}: compiled after loading", new, "", limit=0, note=f"{compiled} when it was loaded"))
    return rows + [_waste(runtime, network) for network in fixed if network.effective.shapes]


def _synthesize(voice: voxstack.Voice, text: str) -> tuple[list[np.ndarray], dict[str, float]]:
    """Return the samples of an utterance, as a whole and live, and the CPU seconds of both."""
    start = time.process_time()
    whole = voice.synthesize(text).samples
    between = time.process_time()
    chunks = voice.stream(text)
    live = [next(chunks).samples]
    first = time.process_time()
    live += [chunk.samples for chunk in chunks]
    ended = time.process_time()
    seconds = {"as a whole": between - start, "live": ended - between, "live, to the first audio": first - between}
    return [whole, np.concatenate(live)], seconds


def _compilations(networks: Sequence[Any]) -> int:
    return sum(layer.get("compilations", 0) for network in networks for layer in network.stats.values())


def _waste(runtime: str, network: Any) -> Row:
    stats = network.stats["fixed_shapes"]
    axis, steps = next((axis, steps) for axis, steps in stats["axes"].items() if axis != "batch")
    padding, again = (steps[key] / steps["computed"] for key in ("padding", "recomputed"))
    runs = f"{stats['runs']} runs for {stats['calls']} calls: {stats['sizes']}"
    note = f"{padding:.3f} padding, {again:.3f} computed again at seams; {runs}"
    return Row(f"{runtime}, {network.spec.name}: {axis} in vain, of those computed", steps["waste"], "", note=note)


def memory(runtime: str, shapes: dict[str, Any]) -> list[Row]:
    """Measure the peak memory without sizes, with the largest of each axis, and with all."""
    longest = max(len(sizes) for sizes in shapes.values())
    ladders = [{axis: sizes[-count:] for axis, sizes in shapes.items()} for count in range(1, longest + 1)]
    found = [fresh(SPEAK, json.dumps({"runtime": runtime, "shapes": shapes})) for shapes in ({}, *ladders)]
    names = ["any length", *(f"{count} size{'s' * (count > 1)} an axis" for count in range(1, longest + 1))]
    notes = [f"{figures['loaded']:.0f} MB when it was loaded" for figures in found]
    rows = [
        Row(f"{runtime}, {name}: peak memory", figures["peak"], "MB", note=note)
        for name, figures, note in zip(names, found, notes, strict=True)
    ]
    if longest > 1:
        extra = (found[-1]["peak"] - found[1]["peak"]) / (longest - 1)
        rows.append(Row(f"{runtime}: memory a size more", extra, "MB"))
    return rows


def search(texts: Sequence[str]) -> None:
    """Print the cheapest one to three sizes, for tokens and for frames."""
    tokens, frames = _lengths(texts)
    print(f"tokens of a sentence: {_quantiles(tokens)}\nframes of a sentence: {_quantiles(frames)}")
    costs = {name: _cost(name) for name in ("encoder", "decoder", "vocoder")}
    for name, (call, step) in costs.items():
        print(f"{name}: {call * 1e3:.2f} ms a call and {step * 1e6:.1f} µs a step")
    plain = sum(costs["encoder"][0] + costs["encoder"][1] * count for count in tokens)
    for largest in (192, 256, 320, 400):
        ladders = [
            (*rest, largest) for count in range(3) for rest in itertools.combinations(range(16, largest, 8), count)
        ]
        _print_best("tokens", [(_of_tokens(tokens, sizes, costs["encoder"]) / plain, sizes) for sizes in ladders])
    plain = sum(costs[name][0] + costs[name][1] * count for name in ("decoder", "vocoder") for count in frames)
    some = frames[:: max(1, len(frames) // 150)]
    share = len(some) / len(frames)
    choices = (64, 80, 96, 112, 128, 160, 192, 224, 256, 288, 320, 384, 448, 512, 554, 640)
    ladders = [sizes for count in (1, 2, 3) for sizes in itertools.combinations(choices, count)]
    for live in (False, True):
        found = [(_of_frames(some, sizes, costs, live) / plain / share, sizes) for sizes in ladders]
        _print_best("frames, live" if live else "frames, as a whole", found)


def _lengths(texts: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the numbers of tokens and of frames of each sentence."""
    voice = voxstack.load("amber")
    found: dict[str, list[int]] = defaultdict(list)
    for network in voice.addon.opened:
        run, name = network._run, next(iter(network.spec.needs))

        def counted(
            run: Any = run, name: str = name, into: list[int] = found[network.spec.name], **tensors: np.ndarray
        ) -> Any:
            into.append(tensors[name].shape[1])
            return run(**tensors)

        network._run = counted
    for text in texts:
        voice.synthesize(text, schedule=Schedule(first=100_000, largest=100_000))
    voice.addon.opened.clear()
    return found["encoder"], [count for count in found["decoder"] if count]


def _cost(name: str) -> tuple[float, float]:
    """Measure the CPU seconds of a network per call and per step."""
    addon = voxstack.load("amber", context={"runtime": "onnx", "streaming": "windowed"}).addon
    network = addon.network(name)
    (key,) = network.spec.needs
    tensor, best = network.spec.inputs[key], {}
    for steps, _ in itertools.product((64, 320), range(20)):
        shape = [{"batch": 1}.get(axis, steps) if isinstance(axis, str) else axis for axis in tensor.shape]
        inputs = {key: np.zeros(shape, tensor.dtype)}
        start = time.process_time()
        network(**inputs)
        best[steps] = min(best.get(steps, np.inf), time.process_time() - start)
    step = (best[320] - best[64]) / 256
    return best[64] - 64 * step, step


def _of_tokens(counts: Sequence[int], sizes: Sequence[int], cost: tuple[float, float]) -> float:
    call, step = cost
    return sum(call + step * min((size for size in sizes if size >= count), default=count) for count in counts)


def _of_frames(
    counts: Sequence[int], sizes: tuple[int, ...], costs: dict[str, tuple[float, float]], live: bool
) -> float:
    """Return the seconds of the decoder and the vocoder, in the chunks that a head yields for these sizes."""
    from voxstack_fixed_shapes.tiling import Tiling

    sides = {"decoder": 18, "vocoder": 21}
    tilings = {name: Tiling(sizes, (side, side), padded=True) for name, side in sides.items()}
    seconds = 0.0
    for count in counts:
        allowed = tuple(size - 2 * sides["vocoder"] for size in sizes)
        schedule = Schedule(
            allowed=allowed, lookahead=sum(sides.values()), playback=None if live else Playback(16000, live=False)
        )
        source = _chunks(count, schedule)
        for name, side in sides.items():
            passed = []
            for frames, _, size, _ in windows(source, side, side, read_ahead=not live):
                tiles = tilings[name](len(frames))
                assert tiles is not None, "a length that may be padded has windows"
                seconds += sum(costs[name][0] + costs[name][1] * tile.size for tile in tiles)
                passed.append(np.zeros((size, 0)))
            source = iter(passed)
    return seconds


def _chunks(count: int, schedule: Schedule) -> Iterator[np.ndarray]:
    """Yield frames in the chunks of an Upsampler."""
    start = 0
    for size in schedule.sizes():
        if start >= count:
            return
        stop = start + size if count - start - size > size // 2 else count
        yield np.zeros((stop - start, 0))
        start = stop


def _print_best(kind: str, found: list[tuple[float, tuple[int, ...]]]) -> None:
    for count in (1, 2, 3):
        best = sorted(row for row in found if len(row[1]) == count)[:3]
        sizes_and_costs = ", ".join(f"{list(sizes)} {cost:.3f}" for cost, sizes in best)
        print(f"{kind}, {count}: {sizes_and_costs} of the cost of any length")


def _quantiles(values: Sequence[int]) -> str:
    return ", ".join(f"{share} % {np.percentile(values, share):.0f}" for share in (5, 25, 50, 75, 95, 99, 100))


if __name__ == "__main__":
    sys.exit(main())
