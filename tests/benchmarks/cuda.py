"""Amber on a CUDA GPU: torch with CUDA graphs, torch without, and ONNX Runtime, side by side.

    python tests/benchmarks/cuda.py [--rounds 9] [--streams 1,16,64] [--device cuda] [--out FOLDER]

Measures the latency of a chunk (decoder, vocoder, and both, at each of amber's sizes) and the throughput of 1, 16 and
64 streams. Contexts that are unavailable are reported and left out; without a GPU, those are all. ``--device cpu``
runs the same on the processor, which has no graphs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from concurrency import streams
from measure import Row, Stopwatch, interleaved, machine, markdown
from texts import NINE

import voxstack
from voxstack.networks import Network

CALLS = 20
"""Number of calls that are timed together."""


def candidates(device: str, shapes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the contexts by name; the others are compared with the first."""
    fixed = {"runtime": "torch", "device": device, "shapes": shapes}
    graphs = {"torch, CUDA graphs": fixed} if device != "cpu" else {}
    plain = {**fixed, "options": {"cuda_graphs": False}} if device != "cpu" else fixed
    return {
        f"onnx:{device}": f"onnx:{device}",
        f"torch:{device}": f"torch:{device}",
        "torch, fixed sizes": plain,
        **graphs,
    }


def windowed(voice: voxstack.Voice, name: str) -> Network:
    """Return a network in its windowed form, which all runtimes have, so that they are compared without states."""
    return voice.addon.network(name)


def latency(networks: Mapping[str, Network], size: int) -> dict[str, float]:
    """Return the wall-clock milliseconds of one chunk of ``size`` frames in each network, and in both."""
    milliseconds = {}
    for name, network in networks.items():
        features = network.spec.inputs[network.spec.streaming.input].shape[-1]
        frames = np.random.default_rng(0).standard_normal((size, features)).astype(np.float32)
        watch = Stopwatch()
        for _ in range(CALLS):
            network.run_single(**{network.spec.streaming.input: frames})
        milliseconds[name] = 1e3 * watch.wall / CALLS
    return {**milliseconds, "both": sum(milliseconds.values())}


def chunk_rows(voices: Mapping[str, voxstack.Voice], sizes: Sequence[int], rounds: int) -> list[Row]:
    """Compare the latency of chunks of several sizes, in frames."""
    rows, base = [], next(iter(voices))
    networks = {name: {key: windowed(voice, key) for key in ("decoder", "vocoder")} for name, voice in voices.items()}
    for size in sizes:
        found = interleaved({name: lambda n=networks[name], s=size: latency(n, s) for name in voices}, rounds)
        for name, milliseconds in found.items():
            note = ", ".join(f"{part} {value:.2f}" for part, value in milliseconds.items())
            ratio = milliseconds["both"] / found[base]["both"]
            rows.append(Row(f"chunk of {size} frames: {name}", ratio, note=f"ms: {note}"))
    return rows


def stream_rows(voices: Mapping[str, voxstack.Voice], counts: Sequence[int], rounds: int) -> list[Row]:
    """Compare the throughput of several numbers of streams at once."""
    rows, base = [], next(iter(voices))
    for count in counts:
        runs = {name: lambda v=voice, c=count: streams(v, [0.0] * c, NINE) for name, voice in voices.items()}
        found = interleaved(runs, rounds)
        for name, report in found.items():
            first = f"first audio {1e3 * report['median']:.1f} ms"
            note = f"{report['throughput']:.0f} s of audio a second, {first}, {report['late']:.0f} late"
            rows.append(Row(f"{count} streams: {name}", report["throughput"] / found[base]["throughput"], note=note))
    return rows


def main() -> int:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--streams", default="1,16,64")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, help="folder for cuda.md and cuda.json")
    options = parser.parse_args()
    shapes = voxstack.load("amber").addon.config["contexts"]["fixed"]["shapes"]
    voices: dict[str, voxstack.Voice] = {}
    for name, context in candidates(options.device, shapes).items():
        try:
            voices[name] = voxstack.load(
                "amber", context=context, scheduler=voxstack.Scheduler(load=None, patience=None)
            )
        except voxstack.VoxstackError as error:
            print(f"{name} is unavailable here: {error}", flush=True)
    if not voices:
        return 0
    providers = sorted({str(row.provider) for voice in voices.values() for row in voice.contexts()})
    head = f"{machine()}; {', '.join(providers)}"
    print(head, flush=True)
    rows = chunk_rows(voices, shapes["frames"], options.rounds)
    rows += stream_rows(voices, [int(count) for count in options.streams.split(",")], max(1, options.rounds // 3))
    print(markdown(rows))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "cuda.md").write_text(f"{head}\n\n{markdown(rows)}\n", encoding="utf-8")
        data = {"machine": head, "rows": [row.as_json() for row in rows]}
        (options.out / "cuda.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
