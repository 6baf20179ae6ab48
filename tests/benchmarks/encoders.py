"""Four independent encoders of one utterance: one after the other, at the same time, and fused into one network.

    python tests/benchmarks/encoders.py [--rounds 16] [--seconds 0.25] [--runtimes onnx,openvino] [--out FOLDER]
        [--addon FOLDER]

A text encoder, predictors of pitch and energy, and an encoder of a reference recording's style, with random weights
and usual sizes, are packaged with voxstack_packager. Blocks run in turns of a scheduler with one worker per core,
interleaved. A figure is the median of the quarter of the rounds in which other processes took the least CPU time;
``others`` in the results is what they took then, in cores. The folder of ``--out`` receives ``encoders.md`` and
``encoders.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from encoder_networks import PARTS, random_reference, random_tokens, sources
from measure import Runs, Stopwatch, in_turns, interleaved, machine, medians, percentile

import voxstack
from voxstack.networks import Context, NetworkSpec
from voxstack.networks.addon import Addon
from voxstack_packager import package
from voxstack_packager.addon_folder import write_config
from voxstack_packager.fusing import fuse

REFERENCE = 200  # frames of the reference recording: 3 s
LENGTHS, STREAMS = (10, 60, 200), (1, 4, 16)


def make(folder: Path) -> None:
    """Write the addon: the four networks, and one that fuses them."""
    head = {
        "name": "encoders",
        "version": "1",
        "license": "CC0-1.0",
        "languages": ["en"],
        "sample_rate": 16000,
        "hop_length": 256,
    }
    package(folder, **head, networks=sources(), progress=_print)
    parts = Addon.open(folder, voxstack.Registry({}))
    entry = fuse([parts.networks[name] for name in PARTS], "fused", folder, progress=_print)
    config = parts.config
    (folder / "addon.json").unlink()
    write_config(folder, {**config, "networks": {**config["networks"], "fused": entry}})


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def registry() -> voxstack.Registry:
    """Return the installed plugins, and a runtime whose ONNX Runtime runs operators of one call in parallel."""

    class Parallel:
        @voxstack.hookimpl
        def voxstack_open_network(self, spec: NetworkSpec, context: Context) -> Any:
            if context.runtime != "onnx-parallel":
                return None
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.execution_mode = onnxruntime.ExecutionMode.ORT_PARALLEL
            options.intra_op_num_threads, options.inter_op_num_threads = 1, 2
            options.add_session_config_entry("session.force_spinning_stop", "1")
            session = onnxruntime.InferenceSession(
                str(spec.export("onnx", "onnx-parallel")), options, providers=["CPUExecutionProvider"]
            )
            names = [output.name for output in session.get_outputs()]
            return lambda **tensors: dict(zip(names, session.run(names, tensors), strict=True))

    return voxstack.Registry.installed().with_plugins({"parallel": Parallel()})


def blocks(addon: Addon, runtime: str) -> dict[str, voxstack.SequenceBlock]:
    """Return the blocks to compare, by kind; the others are compared with the first."""
    kinds = {
        "Encoders": ({"type": "Encoders", "networks": PARTS}, {"runtime": runtime}),
        "CustomizedEncoders, 2 workers": (
            {"type": "CustomizedEncoders", "networks": PARTS, "workers": 2},
            {"runtime": runtime},
        ),
        "CustomizedEncoders, 4 workers": (
            {"type": "CustomizedEncoders", "networks": PARTS, "workers": 4},
            {"runtime": runtime},
        ),
        "fused": ({"type": "Encoders", "networks": ["fused"]}, {"runtime": runtime}),
        "fused, 2 threads": ({"type": "Encoders", "networks": ["fused"]}, {"runtime": runtime, "threads": 2}),
    }
    if runtime == "onnx":
        kinds["fused, 2 operators at once"] = (
            {"type": "Encoders", "networks": ["fused"]},
            {"runtime": "onnx-parallel"},
        )
    opened = {name: Addon(addon.files, addon.registry, context) for name, (_, context) in kinds.items()}
    return {
        name: voxstack.build(spec, opened[name], available=["tokens", "reference"]) for name, (spec, _) in kinds.items()
    }


def utterance(tokens: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return random inputs of all encoders."""
    rng = np.random.default_rng(seed)
    return {
        name: array[0]
        for draw in (random_tokens, random_reference)
        for name, array in draw(rng, {"batch": 1, "tokens": tokens, "frames": REFERENCE}).items()
    }


def require_same(kinds: Mapping[str, voxstack.SequenceBlock], tokens: int) -> None:
    """Refuse to time blocks whose outputs differ: by 1e-6 of scale, or at all where they run the same networks."""
    inputs = utterance(tokens)
    found = {name: block(inputs) for name, block in kinds.items()}
    first = found["Encoders"]
    for name, outputs in found.items():
        assert outputs.keys() == first.keys()
        for key, array in first.items():
            error = np.abs(outputs[key] - array).max() / np.abs(array).max()
            assert error <= (0 if name.startswith("Customized") else 1e-6), (
                f"{name}: {key} differs by {error:.2g} of scale"
            )


def together(block: voxstack.SequenceBlock, tokens: int, streams: int, seconds: float) -> dict[str, float]:
    """Run streams at once, each encoding one utterance per turn, the one with the fewest first."""
    scheduler = voxstack.Scheduler(load=None, patience=None)
    counts, took, end = [0] * streams, [], time.perf_counter() + seconds
    inputs = [utterance(tokens, seed) for seed in range(streams)]

    def stream(number: int) -> None:
        ticket = scheduler.admit("stream", lambda: float(counts[number]), refuse=False)
        while (requested := time.perf_counter()) < end:
            with ticket.turn():
                block(inputs[number])
            took.append(time.perf_counter() - requested)
            counts[number] += 1
        ticket.leave()

    threads = [threading.Thread(target=stream, args=(number,)) for number in range(streams)]
    watch, busy = Stopwatch(), _busy()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall, cpu, total = watch.wall, watch.cpu, sum(counts)
    figures = {"wall": wall / total, "cpu": cpu / total, "p50": percentile(took, 0.5), "p95": percentile(took, 0.95)}
    return {
        **{name: 1e3 * seconds for name, seconds in figures.items()},
        "others": max(0.0, (_busy() - busy - cpu) / wall),
    }


def _busy() -> float:
    """Return the CPU seconds of all processes of this machine so far."""
    user, nice, system = Path("/proc/stat").read_text().split(maxsplit=4)[1:4]
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")


def quietest(runs: Runs, rounds: int) -> dict[str, dict[str, float]]:
    """Call each run in turn; return the median of every figure over the quarter of rounds with the least ``others``."""
    count = max(1, rounds // 4)
    return medians(
        {name: sorted(rows, key=lambda row: row["others"])[:count] for name, rows in in_turns(runs, rounds).items()}
    )


def alone(addon: Addon, runtime: str, rounds: int) -> list[dict[str, Any]]:
    """Measure the CPU milliseconds of a call of each network by itself."""
    opened = Addon(addon.files, addon.registry, {"runtime": runtime})
    networks = {name: opened.network(name) for name in PARTS}
    rows = []
    for tokens in LENGTHS:
        available = utterance(tokens)

        def call(name: str, available: Mapping[str, Any] = available) -> dict[str, float]:
            inputs = {key: available[key] for key in networks[name].spec.needs}
            watch = Stopwatch()
            for _ in range(10):
                networks[name].run_single(**inputs)
            return {"ms": 100 * watch.cpu}

        found = interleaved({name: lambda name=name: call(name) for name in PARTS}, rounds)
        rows.append({"runtime": runtime, "tokens": tokens, **{name: found[name]["ms"] for name in PARTS}})
    return rows


def measure(
    kinds: Mapping[str, voxstack.SequenceBlock], tokens: int, streams: int, rounds: int, seconds: float
) -> list[dict[str, Any]]:
    """Measure all kinds with ``streams`` streams of ``tokens`` tokens."""
    runs: Runs = {name: lambda block=block: together(block, tokens, streams, seconds) for name, block in kinds.items()}
    found = quietest(runs, rounds)
    return [{"tokens": tokens, "streams": streams, "kind": name, **figures} for name, figures in found.items()]


def table(rows: list[dict[str, Any]], runtime: str) -> str:
    """Return the table of wall-clock and CPU time per utterance, as shares of those of Encoders."""
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    lines = [["tokens", "streams", "Encoders: wall, CPU, p95 (ms)", *kinds[1:], "others"]]
    lines.append(["---"] * len(lines[0]))
    for tokens in LENGTHS:
        for streams in STREAMS:
            of = {row["kind"]: row for row in rows if (row["tokens"], row["streams"]) == (tokens, streams)}
            if not of:
                continue
            base = of["Encoders"]
            others = f"{max(row['others'] for row in of.values()):.2f}"
            ratios = [
                ", ".join(f"{of[kind][key] / base[key]:.2f}" for key in ("wall", "cpu", "p95")) for kind in kinds[1:]
            ]
            lines.append(
                [
                    str(tokens),
                    str(streams),
                    f"{base['wall']:.2f}, {base['cpu']:.2f}, {base['p95']:.1f}",
                    *ratios,
                    others,
                ]
            )
    title = f"{runtime}: wall time an utterance, CPU time an utterance, p95 of a call; as shares of those of `Encoders`"
    return title + "\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=0.25, help="duration of each run")
    parser.add_argument("--runtimes", default="onnx,openvino")
    parser.add_argument("--out", type=Path, help="folder for encoders.md and encoders.json")
    parser.add_argument("--addon", type=Path, help="folder of the networks; created if it does not exist")
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make(options.make)
        return
    sections, data = [machine()], {"machine": machine(), "alone": [], "together": []}
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.addon or Path(scratch, "encoders")
        if not folder.exists():  # in a process of its own, as torch has threads, too
            subprocess.run([sys.executable, __file__, "--make", str(folder)], check=True)
        addon = Addon.open(folder, registry())
        for runtime in options.runtimes.split(","):
            data["alone"] += alone(addon, runtime, options.rounds)
            kinds = blocks(addon, runtime)
            for tokens in LENGTHS:
                require_same(kinds, tokens)
            rows = [
                row
                for tokens in LENGTHS
                for streams in STREAMS
                for row in measure(kinds, tokens, streams, options.rounds, options.seconds)
            ]
            data["together"] += [{"runtime": runtime, **row} for row in rows]
            sections.append(table(rows, runtime))
            _print(sections[-1])
    cells = [["runtime", "tokens", *PARTS], ["---"] * (2 + len(PARTS))]
    cells += [[row["runtime"], str(row["tokens"]), *(f"{row[name]:.2f}" for name in PARTS)] for row in data["alone"]]
    sections.insert(
        1, "Each network alone, CPU ms of a call\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in cells)
    )
    print("\n\n".join(sections))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "encoders.md").write_text("\n\n".join(sections) + "\n", encoding="utf-8")
        (options.out / "encoders.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
