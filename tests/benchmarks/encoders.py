"""Four independent encoders of one utterance: one after the other, at the same time, and fused into one network.

    python tests/benchmarks/encoders.py [--rounds 16] [--seconds 0.25] [--runtimes onnx,openvino] [--out FOLDER] [--addon FOLDER]

A text encoder, predictors of pitch and energy, and an encoder of a reference recording's style, of random weights and usual sizes,
packaged with voxstack_packager. Blocks run in turns of a scheduler with a worker for each core, interleaved. Of the rounds of each
the quarter counts in which other processes took the least, by its median; ``others`` in the results is what they took then, in cores.
FOLDER gets ``encoders.md`` and ``encoders.json``.
"""

from __future__ import annotations

import argparse
import itertools
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
from measure import Runs, Stopwatch, in_turns, interleaved, machine, medians, percentile

import voxstack
from voxstack.networks import Context, NetworkSpec
from voxstack.networks.addon import Addon
from voxstack_packager import NetworkSource, package
from voxstack_packager.fusing import fuse
from voxstack_packager.packaging import written

PARTS = ["text", "pitch", "energy", "style"]
REFERENCE = 200  # frames of the recording that tells the style: 3 s
LENGTHS, STREAMS = (10, 60, 200), (1, 4, 16)


def sources() -> list[NetworkSource]:
    """The four networks; the largest first, as it is begun first."""
    import torch

    torch.manual_seed(0)
    modules = _modules()
    tokens = {"tokens": ("int64", ["batch", "tokens"]), "mask": ("float32", ["batch", "tokens"], True)}
    mel = {"reference": ("float32", ["batch", "frames", 80])}
    takes = {"text": tokens, "pitch": tokens, "energy": tokens, "style": mel}
    gives = {
        "text": {"encoded": ("float32", ["batch", "tokens", 192])},
        "pitch": {"pitch": ("float32", ["batch", "tokens"])},
        "energy": {"energy": ("float32", ["batch", "tokens"])},
        "style": {"style": ("float32", ["batch", 128])},
    }
    examples = {"text": _tokens, "pitch": _tokens, "energy": _tokens, "style": _reference}
    return [
        NetworkSource(
            name, "encoder", modules[name].eval(), takes[name], gives[name], examples[name], formats=("onnx",)
        )
        for name in PARTS
    ]


def _tokens(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
    return {"tokens": rng.integers(0, 100, (sizes["batch"], sizes["tokens"]))}


def _reference(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
    return {"reference": rng.standard_normal((sizes["batch"], sizes["frames"], 80)).astype(np.float32)}


def _modules() -> dict[str, Any]:
    import torch
    from torch import nn

    class Layer(nn.Module):
        """A feed-forward transformer block with convolutions, as FastSpeech has it (Ren et al., NeurIPS 2019)."""

        def __init__(self, width: int = 192, wide: int = 768) -> None:
            super().__init__()
            self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Conv1d(width, wide, 3, padding=1), nn.Conv1d(wide, width, 3, padding=1)

        def forward(self, x: Any, mask: Any) -> Any:
            q, k, v = self.qkv(self.first(x)).unflatten(2, (3, 2, 96)).permute(2, 0, 3, 1, 4)
            weights = torch.softmax(q @ k.transpose(2, 3) / 96**0.5 + (mask[:, None, None] - 1) * 1e9, 3)
            x = x + self.out((weights @ v).transpose(1, 2).flatten(2)) * mask[..., None]
            y = torch.relu(self.up((self.second(x) * mask[..., None]).transpose(1, 2))) * mask[:, None]
            return x + self.down(y).transpose(1, 2) * mask[..., None]

    class Text(nn.Module):
        """4.2 million weights."""

        def __init__(self) -> None:
            super().__init__()
            self.table, self.layers = nn.Embedding(100, 192), nn.ModuleList(Layer() for _ in range(4))

        def forward(self, tokens: Any, mask: Any) -> Any:
            x = self.table(tokens) * mask[..., None]
            for layer in self.layers:
                x = layer(x, mask)
            return x

    class Predictor(nn.Module):
        """One value a token, by convolutions: five of them for pitch, two for energy (Ren et al., FastSpeech 2, ICLR 2021)."""

        def __init__(self, layers: int, kernel: int) -> None:
            super().__init__()
            self.table = nn.Embedding(100, 192)
            self.convs = nn.ModuleList(
                nn.Conv1d(256 if i else 192, 256, kernel, padding=kernel // 2) for i in range(layers)
            )
            self.out = nn.Linear(256, 1)

        def forward(self, tokens: Any, mask: Any) -> Any:
            x = self.table(tokens).transpose(1, 2) * mask[:, None]
            for conv in self.convs:
                x = torch.relu(conv(x)) * mask[:, None]
            return self.out(x.transpose(1, 2))[..., 0] * mask

    class Style(nn.Module):
        """Six convolutions that halve time and frequency (Skerry-Ryan et al., ICML 2018); the mean in place of their GRU."""

        def __init__(self) -> None:
            super().__init__()
            sizes = [1, 32, 32, 64, 64, 128, 128]
            self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in itertools.pairwise(sizes))

        def forward(self, reference: Any) -> Any:
            x = reference[:, None]
            for conv in self.convs:
                x = torch.relu(conv(x))
            return x.mean((2, 3))

    return {"text": Text(), "pitch": Predictor(5, 5), "energy": Predictor(2, 3), "style": Style()}


def make(folder: Path) -> None:
    """Write the addon: the four networks, and all of them fused."""
    head = {
        "name": "encoders",
        "version": "1",
        "license": "CC0-1.0",
        "languages": ["en"],
        "sample_rate": 16000,
        "hop_length": 256,
    }
    package(folder, **head, networks=sources(), progress=_tell)
    parts = Addon.open(folder, voxstack.Registry({}))
    entry = fuse([parts.networks[name] for name in PARTS], "fused", folder, progress=_tell)
    config = parts.config
    (folder / "addon.json").unlink()
    written(folder, {**config, "networks": {**config["networks"], "fused": entry}})


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def registry() -> voxstack.Registry:
    """The installed plugins, and a runtime that lets ONNX Runtime run operators of one call at the same time."""

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
    """What is compared, the block that the others are compared with first."""
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
    rng = np.random.default_rng(seed)
    return {
        name: array[0]
        for make in (_tokens, _reference)
        for name, array in make(rng, {"batch": 1, "tokens": tokens, "frames": REFERENCE}).items()
    }


def same(kinds: Mapping[str, voxstack.SequenceBlock], tokens: int) -> None:
    """Refuse to time blocks that do not give the same: bit for bit, where they run the same networks."""
    given = utterance(tokens)
    found = {name: block(given) for name, block in kinds.items()}
    first = found["Encoders"]
    for name, gave in found.items():
        assert gave.keys() == first.keys()
        for key, array in first.items():
            error = np.abs(gave[key] - array).max() / np.abs(array).max()
            assert error <= (0 if name.startswith("Customized") else 1e-6), (
                f"{name}: {key} differs by {error:.2g} of scale"
            )


def together(block: voxstack.SequenceBlock, tokens: int, streams: int, seconds: float) -> dict[str, float]:
    """Run so many streams at once, each encoding one utterance a turn, the one that is behind first."""
    scheduler = voxstack.Scheduler(load=None, patience=None)
    counts, took, end = [0] * streams, [], time.perf_counter() + seconds
    given = [utterance(tokens, seed) for seed in range(streams)]

    def stream(number: int) -> None:
        ticket = scheduler.admit("stream", lambda: float(counts[number]), refuse=False)
        while (asked := time.perf_counter()) < end:
            with ticket.turn():
                block(given[number])
            took.append(time.perf_counter() - asked)
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
    """Seconds that all processes of this machine have computed so far."""
    user, nice, system = Path("/proc/stat").read_text().split(maxsplit=4)[1:4]
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")


def quietest(runs: Runs, rounds: int) -> dict[str, dict[str, float]]:
    """Call each of ``runs`` in turn, and return the median of every figure over the quarter with the fewest ``others``."""
    most = max(1, rounds // 4)
    return medians(
        {name: sorted(rows, key=lambda row: row["others"])[:most] for name, rows in in_turns(runs, rounds).items()}
    )


def alone(addon: Addon, runtime: str, rounds: int) -> list[dict[str, Any]]:
    """What each network takes by itself: CPU milliseconds of a call."""
    opened = Addon(addon.files, addon.registry, {"runtime": runtime})
    networks = {name: opened.network(name) for name in PARTS}
    rows = []
    for tokens in LENGTHS:
        given = utterance(tokens)

        def call(name: str, given: Mapping[str, Any] = given) -> dict[str, float]:
            inputs = {key: given[key] for key in networks[name].spec.needs}
            watch = Stopwatch()
            for _ in range(10):
                networks[name].run_single(**inputs)
            return {"ms": 100 * watch.cpu}

        found = interleaved({name: lambda name=name: call(name) for name in PARTS}, rounds)
        rows.append({"runtime": runtime, "tokens": tokens, **{name: found[name]["ms"] for name in PARTS}})
    return rows


def row(
    kinds: Mapping[str, voxstack.SequenceBlock], tokens: int, streams: int, rounds: int, seconds: float
) -> list[dict[str, Any]]:
    runs: Runs = {name: lambda block=block: together(block, tokens, streams, seconds) for name, block in kinds.items()}
    found = quietest(runs, rounds)
    return [{"tokens": tokens, "streams": streams, "kind": name, **figures} for name, figures in found.items()]


def table(rows: list[dict[str, Any]], runtime: str) -> str:
    """Wall and CPU time of an utterance, as shares of those of Encoders."""
    kinds = list(dict.fromkeys(one["kind"] for one in rows))
    lines = [["tokens", "streams", "Encoders: wall, CPU, p95 (ms)", *kinds[1:], "others"]]
    lines.append(["---"] * len(lines[0]))
    for tokens in LENGTHS:
        for streams in STREAMS:
            of = {one["kind"]: one for one in rows if (one["tokens"], one["streams"]) == (tokens, streams)}
            if not of:
                continue
            base = of["Encoders"]
            others = f"{max(one['others'] for one in of.values()):.2f}"
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
    parser.add_argument("--seconds", type=float, default=0.25, help="of each run")
    parser.add_argument("--runtimes", default="onnx,openvino")
    parser.add_argument("--out", type=Path, help="folder for encoders.md and encoders.json")
    parser.add_argument("--addon", type=Path, help="folder of the networks, which is made if there is none")
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make(options.make)
        return
    told, data = [machine()], {"machine": machine(), "alone": [], "together": []}
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.addon or Path(scratch, "encoders")
        if not folder.exists():  # in a process of its own: torch has threads, too
            subprocess.run([sys.executable, __file__, "--make", str(folder)], check=True)
        addon = Addon.open(folder, registry())
        for runtime in options.runtimes.split(","):
            data["alone"] += alone(addon, runtime, options.rounds)
            kinds = blocks(addon, runtime)
            for tokens in LENGTHS:
                same(kinds, tokens)
            rows = [
                one
                for tokens in LENGTHS
                for streams in STREAMS
                for one in row(kinds, tokens, streams, options.rounds, options.seconds)
            ]
            data["together"] += [{"runtime": runtime, **one} for one in rows]
            told.append(table(rows, runtime))
            _tell(told[-1])
    cells = [["runtime", "tokens", *PARTS], ["---"] * (2 + len(PARTS))]
    cells += [[one["runtime"], str(one["tokens"]), *(f"{one[name]:.2f}" for name in PARTS)] for one in data["alone"]]
    told.insert(
        1, "Each network alone, CPU ms of a call\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in cells)
    )
    print("\n\n".join(told))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "encoders.md").write_text("\n\n".join(told) + "\n", encoding="utf-8")
        (options.out / "encoders.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
