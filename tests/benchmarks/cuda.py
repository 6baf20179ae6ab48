"""amber on a CUDA GPU: torch with CUDA graphs, torch without, and ONNX Runtime, side by side.

    python tests/benchmarks/cuda.py [--rounds 9] [--streams 1,16,64] [--device cuda] [--out FOLDER]

What a chunk takes (decoder, vocoder, and both, at each of amber's sizes), and how much is spoken at 1, 16 and 64 streams. What cannot be
had is told and left out; without a GPU that is all. ``--device cpu`` runs the same on the processor, where there are no graphs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from concurrency import streams
from measure import Row, Stopwatch, interleaved, machine, markdown
from texts import NINE

import voxstack
from voxstack.networks import Network

CALLS = 20
"""Calls that are timed at once."""


def candidates(device: str, shapes: Mapping[str, Any]) -> dict[str, Any]:
    """The contexts, that which the others are compared with first."""
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
    """A network in windows, which all runtimes have: what it takes is compared without what is spared by states."""
    return voice.addon.network(name)


def latency(networks: Mapping[str, Network], size: int) -> dict[str, float]:
    """Wall milliseconds of one chunk in each network, and in all."""
    took = {}
    for name, network in networks.items():
        features = network.spec.inputs[network.spec.streaming.input].shape[-1]
        frames = np.random.default_rng(0).standard_normal((size, features)).astype(np.float32)
        watch = Stopwatch()
        for _ in range(CALLS):
            network.run_single(**{network.spec.streaming.input: frames})
        took[name] = 1e3 * watch.wall / CALLS
    return {**took, "both": sum(took.values())}


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
            print(f"{name} cannot be had here: {error}", flush=True)
    if not voices:
        return 0
    head = f"{machine()}; {', '.join(sorted({str(row.provider) for voice in voices.values() for row in voice.contexts()}))}"
    print(head, flush=True)
    rows: list[Row] = []
    base = next(iter(voices))
    networks = {name: {key: windowed(voice, key) for key in ("decoder", "vocoder")} for name, voice in voices.items()}
    for size in shapes["frames"]:
        found = interleaved({name: lambda n=networks[name], s=size: latency(n, s) for name in voices}, options.rounds)
        for name, took in found.items():
            note = ", ".join(f"{part} {ms:.2f}" for part, ms in took.items())
            rows.append(Row(f"chunk of {size} frames: {name}", took["both"] / found[base]["both"], note=f"ms: {note}"))
    for count in map(int, options.streams.split(",")):
        runs = {name: lambda v=voice, c=count: streams(v, [0.0] * c, NINE) for name, voice in voices.items()}
        found = interleaved(runs, max(1, options.rounds // 3))
        for name, took in found.items():
            note = f"{took['throughput']:.0f} s of audio a second, first audio {1e3 * took['median']:.1f} ms, {took['late']:.0f} late"
            rows.append(Row(f"{count} streams: {name}", took["throughput"] / found[base]["throughput"], note=note))
    print(markdown(rows))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "cuda.md").write_text(f"{head}\n\n{markdown(rows)}\n", encoding="utf-8")
        data = {"machine": head, "rows": [vars(row) for row in rows]}
        (options.out / "cuda.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
