"""What fixed sizes cost a voice, against networks that take any length.

    python tests/benchmarks/fixed_shapes.py [--rounds 2] [--utterances 200] [--runtimes onnx,openvino] [--only speech,memory]
        [--shapes JSON] [--out FOLDER]
    python tests/benchmarks/fixed_shapes.py --search

Utterances of 1 to 60 words are spoken by amber in every context in turn, as a whole and live, on one thread a network call. Times are
CPU seconds: of each utterance the least of all rounds, summed. FOLDER gets ``fixed_shapes.md`` and ``fixed_shapes.json``.

``--search`` tells which sizes cost the least for these utterances, by what each network was measured to take a call and a step.
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
"""Words outside the lexicon, for the network that pronounces them."""

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
    """Measure, print, write, and say with the exit status whether everything holds that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--utterances", type=int, default=200)
    parser.add_argument("--runtimes", default="onnx,openvino")
    parser.add_argument("--only", default="speech,memory", help="sections, of speech,memory")
    parser.add_argument(
        "--shapes", type=json.loads, help="sizes by axis, as JSON (default: those of amber's context 'fixed')"
    )
    parser.add_argument("--search", action="store_true", help="look for good sizes, and measure nothing else")
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
            print(f"{runtime} is left out: {error}", file=sys.stderr)
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


def utterances(count: int, most: int = 60) -> list[str]:
    """Texts of 1 to ``most`` words, as many of each length as of any other, cut from running text at any word."""
    words = " ".join((PARAGRAPH, NINE, NAMES, SIXTY, ONE)).split()
    starts = ((number * 53 % len(words), 1 + number * 37 % most) for number in range(count))
    return [" ".join((words * 2)[start : start + size]).rstrip(".,") + "." for start, size in starts]


def speech(runtime: str, texts: Sequence[str], shapes: dict[str, Any], rounds: int) -> list[Row]:
    """CPU time, error, waste and compilations of one runtime."""
    contexts: dict[str, dict[str, Any]] = {
        "any length": {"runtime": runtime},
        "any length, in windows": {"runtime": runtime, "streaming": "windowed"},
        "fixed": {"runtime": runtime, "shapes": shapes},
    }
    voices = {name: voxstack.load("amber", context=context) for name, context in contexts.items()}
    plain = voices["any length"].addon.opened
    if all(network.effective.form != "stateful" for network in plain):
        del voices["any length, in windows"]  # the same
    fixed = voices["fixed"].addon.opened
    compiled = _compilations(fixed)
    cost: dict[tuple[str, str], list[float]] = defaultdict(lambda: [np.inf] * len(texts))
    errors = dict.fromkeys(list(voices)[:-1], 0.0)
    for _, (number, text) in itertools.product(range(rounds), enumerate(texts)):
        spoken = {}
        for name, voice in voices.items():
            spoken[name], figures = _spoken(voice, text)
            for what, seconds in figures.items():
                cost[name, what][number] = min(cost[name, what][number], seconds)
        for name in errors:
            pairs = zip(spoken["fixed"], spoken[name], strict=True)
            errors[name] = max(
                errors[name], *(float(np.abs(made - wanted).max() / np.abs(wanted).max()) for made, wanted in pairs)
            )
    rows = []
    for name in list(voices)[:-1]:
        for what, limit in (("as a whole", 1.5), ("live", 1.5), ("live, to the first audio", None)):
            ours, theirs = sum(cost["fixed", what]), sum(cost[name, what])
            note = f"{ours:.3g} against {theirs:.3g} s"
            rows.append(Row(f"{runtime}, {what}: CPU, of {name}", ours / theirs, limit=limit, note=note))
    rows += [
        Row(f"{runtime}: difference from {name}, of the peak", error, "", limit=1e-3) for name, error in errors.items()
    ]
    new = _compilations(fixed) - compiled
    if compiled:  # a runtime that counts none compiles none, or does not say so
        rows.append(Row(f"{runtime}: compiled after loading", new, "", limit=0, note=f"{compiled} when it was loaded"))
    return rows + [_waste(runtime, network) for network in fixed if network.effective.shapes]


def _spoken(voice: voxstack.Voice, text: str) -> tuple[list[np.ndarray], dict[str, float]]:
    """The samples of an utterance as a whole and live, and the CPU seconds of both."""
    began = time.process_time()
    whole = voice.synthesize(text).samples
    between = time.process_time()
    chunks = voice.stream(text)
    live = [next(chunks).samples]
    first = time.process_time()
    live += [chunk.samples for chunk in chunks]
    ended = time.process_time()
    seconds = {"as a whole": between - began, "live": ended - between, "live, to the first audio": first - between}
    return [whole, np.concatenate(live)], seconds


def _compilations(networks: Sequence[Any]) -> int:
    return sum(layer.get("compilations", 0) for network in networks for layer in network.stats.values())


def _waste(runtime: str, network: Any) -> Row:
    told = network.stats["fixed_shapes"]
    axis, steps = next((axis, steps) for axis, steps in told["axes"].items() if axis != "batch")
    padding, again = (steps[key] / steps["computed"] for key in ("padding", "recomputed"))
    note = f"{padding:.3f} padding, {again:.3f} computed again at seams; {told['runs']} runs for {told['calls']} calls: {told['sizes']}"
    return Row(f"{runtime}, {network.spec.name}: {axis} in vain, of those computed", steps["waste"], "", note=note)


def memory(runtime: str, shapes: dict[str, Any]) -> list[Row]:
    """Peak memory without sizes, with the largest of each axis, and with all."""
    most = max(len(sizes) for sizes in shapes.values())
    ladders = [{axis: sizes[-count:] for axis, sizes in shapes.items()} for count in range(1, most + 1)]
    found = [fresh(SPEAK, json.dumps({"runtime": runtime, "shapes": shapes})) for shapes in ({}, *ladders)]
    names = ["any length", *(f"{count} size{'s' * (count > 1)} an axis" for count in range(1, most + 1))]
    notes = [f"{told['loaded']:.0f} MB when it was loaded" for told in found]
    rows = [
        Row(f"{runtime}, {name}: peak memory", told["peak"], "MB", note=note)
        for name, told, note in zip(names, found, notes, strict=True)
    ]
    return (
        [*rows, Row(f"{runtime}: memory a size more", (found[-1]["peak"] - found[1]["peak"]) / (most - 1), "MB")]
        if most > 1
        else rows
    )


def search(texts: Sequence[str]) -> None:
    """Print which sizes cost the least, for tokens and for frames, of one to three sizes."""
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
    """Tokens and frames of the sentences."""
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
    """CPU seconds of a network for a call, and for a step."""
    addon = voxstack.load("amber", context={"runtime": "onnx", "streaming": "windowed"}).addon
    network = addon.network(name)
    (key,) = network.spec.needs
    tensor, best = network.spec.inputs[key], {}
    for steps, _ in itertools.product((64, 320), range(20)):
        shape = [{"batch": 1}.get(axis, steps) if isinstance(axis, str) else axis for axis in tensor.shape]
        given = {key: np.zeros(shape, tensor.dtype)}
        began = time.process_time()
        network(**given)
        best[steps] = min(best.get(steps, np.inf), time.process_time() - began)
    step = (best[320] - best[64]) / 256
    return best[64] - 64 * step, step


def _of_tokens(counts: Sequence[int], sizes: Sequence[int], cost: tuple[float, float]) -> float:
    call, step = cost
    return sum(call + step * min((size for size in sizes if size >= count), default=count) for count in counts)


def _of_frames(
    counts: Sequence[int], sizes: tuple[int, ...], costs: dict[str, tuple[float, float]], live: bool
) -> float:
    """Seconds of the decoder and the vocoder, in the chunks that a head gives where these are the sizes."""
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
    """Frames as an Upsampler gives them."""
    start = 0
    for size in schedule.sizes():
        if start >= count:
            return
        stop = start + size if count - start - size > size // 2 else count
        yield np.zeros((stop - start, 0))
        start = stop


def _print_best(what: str, found: list[tuple[float, tuple[int, ...]]]) -> None:
    for count in (1, 2, 3):
        best = sorted(row for row in found if len(row[1]) == count)[:3]
        told = ", ".join(f"{list(sizes)} {cost:.3f}" for cost, sizes in best)
        print(f"{what}, {count}: {told} of what any length costs")


def _quantiles(values: Sequence[int]) -> str:
    return ", ".join(f"{share} % {np.percentile(values, share):.0f}" for share in (5, 25, 50, 75, 95, 99, 100))


if __name__ == "__main__":
    sys.exit(main())
