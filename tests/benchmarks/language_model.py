"""Language models over a codec: streams together against one, against the original, and their memory.

    python tests/benchmarks/language_model.py [--rounds 5] [--streams 16] [--sizes 7 18] [--parity]
                                              [--attention | --networks | --memory]

The models have random weights, in the shapes of the 6.9 and 18.2 million weights of pocket-tts as far as transformers
has them: it has no table of low rank, and no projection before the heads, so that the smaller one has 7.5 million. Runs
are interleaved; figures are ratios of medians.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from measure import Stopwatch, interleaved, percentile

import voxstack
from voxstack import Schedule

sys.path.insert(0, str(Path(__file__).parents[2] / "plugins" / "importers" / "tests" / "support"))
from pretrained import pocket_voice

MODELS: Mapping[int, dict[str, Any]] = {
    7: {"hidden_size": 224, "num_key_value_heads": 2, "head_dim": 64, "intermediate_size": 224},
    18: {"hidden_size": 512, "num_key_value_heads": 8, "head_dim": 64, "intermediate_size": 512},
}
COMMON = {"vocab_size": 4004, "num_hidden_layers": 8, "num_attention_heads": 8, "latent_dim": 32}
CODEC = {"hidden_size": 128, "num_filters": 32, "kernel_size": 3, "num_hidden_layers": 12, "intermediate_size": 384}
CODEC |= {"num_attention_heads": 4, "num_key_value_heads": 4, "sliding_window": 50, "upsample_groups": 128}
CODEC |= {
    "upsampling_ratios": [6, 5, 4],
    "latent_stride": 16,
    "sampling_rate": 24000,
    "layer_scale_initial_scale": 0.01,
}

TEXT = "Nobody knows which of the boats came home"
LONG = (
    f"{TEXT} before the storm, and why anyone would walk that far; nobody asked whether the lamp was lit, and he said"
)
"""A text that the limit of steps ends: the end of speech of these models never comes."""


def make_voice(folder: Path, size: int) -> Path:
    """Import a voice of this size, in millions of weights, and return its addon."""
    from voxstack_importers import import_voice

    head = {"hidden_size": 192, "num_hidden_layers": 4}
    source = folder / f"pocket-{size}"
    model, codec = pocket_voice(source, "drifting", True, {**COMMON, **MODELS[size]}, head, threshold=1e9, **CODEC)
    return import_voice("transformers", model, folder / f"addon-{size}", progress=str, codec=str(codec))


def speak_together(voice: voxstack.Voice, streams: int, text: str) -> dict[str, float]:
    """Synthesize a text in several streams at once: seconds of audio per second of time, and per second of CPU."""
    lengths = [0] * streams

    def speak(number: int) -> None:
        lengths[number] = len(voice.synthesize(text[number % 7 :], seed=number).samples)

    threads = [threading.Thread(target=speak, args=(number,)) for number in range(streams)]
    watch = Stopwatch()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    audio = sum(lengths) / voice.sample_rate
    return {"wall": audio / watch.wall, "cpu": audio / watch.cpu}


def throughput(addon: Path, streams: int, rounds: int) -> None:
    """Print the throughput of concurrent streams as a ratio of that of one, with and without common steps."""
    contexts = {f"batch {batch}": {"runtime": "onnx", "batch": batch} for batch in (1, streams)}
    scheduler = voxstack.Scheduler(load=None, patience=None)
    voices = {name: voxstack.load(addon, context=context, scheduler=scheduler) for name, context in contexts.items()}
    together, apart = voices[f"batch {streams}"], voices["batch 1"]
    figures = interleaved(
        {
            "one": lambda: speak_together(apart, 1, TEXT),
            "apart": lambda: speak_together(apart, streams, TEXT),
            "together": lambda: speak_together(together, streams, TEXT),
        },
        rounds,
    )
    one = figures["one"]
    print(f"  one stream: {one['wall']:.1f} x real time, {one['cpu']:.1f} s of audio per CPU second")
    for name in ("apart", "together"):
        ratios = {key: figures[name][key] / one[key] for key in ("wall", "cpu")}
        print(
            f"  {streams} streams, steps {name}: {ratios['wall']:.2f} x the throughput, {ratios['cpu']:.2f} x per CPU"
        )


def parity(folder: Path, addon: Path, size: int) -> None:
    """Print the error of the voice against transformers over a long text, whole and frame by frame."""
    from voxstack_importers.transformers.pocket_tts import convert
    from voxstack_importers.transformers.pretrained import Pretrained

    architecture = ("PocketTTSForConditionalGeneration",)
    conversion = convert(
        Pretrained.open(folder / f"pocket-{size}", architecture), codec=str(folder / f"pocket-{size}-codec")
    )
    voice = voxstack.load(addon)
    block = voxstack.build(voice.addon.config["stack"][0]["block"], voice.addon)
    utterance = {**voice.request(LONG, seed=1), "schedule": Schedule(first=1, growth=1.0, largest=1)}
    utterance.pop("timeline")
    reference = conversion.reference
    expected = reference.speech(voice.addon, reference.utterance(voice.addon, utterance))
    by_frames = np.concatenate(list(block.stream(iter(()), utterance)))
    whole = np.concatenate(list(block.stream(iter(()), {**utterance, "schedule": Schedule(first=100_000)})))
    peak, frames = np.abs(expected).max(), len(expected) // voice.addon.config["hop_length"]
    print(f"  {frames} frames against transformers: {np.abs(by_frames - expected).max() / peak:.2g} of the peak")
    print(f"  frame by frame against whole: {np.abs(by_frames - whole).max() / peak:.2g} of the peak")
    first = next(iter(voice.stream(LONG)))
    print(f"  first chunk: {len(first.samples) / voice.addon.config['hop_length']:g} frames")


def memory(addon: Path, frames: int = 1200) -> None:
    """Print by how much the process grows for each frame of a long utterance, and the cache alone by its shapes."""
    voice = voxstack.load(addon)
    block = voxstack.build(voice.addon.config["stack"][0]["block"], voice.addon)
    hop, held, given = voice.addon.config["hop_length"], [], []
    for _ in range(2):  # the first one grows by what the libraries keep
        utterance = {**voice.request(" ".join([LONG] * 20), seed=1), "schedule": Schedule(first=1, largest=16)}
        count, held, given = 0, [], []
        for chunk in block.stream(iter(()), utterance):
            count += len(chunk) // hop
            held.append(_resident())
            given.append(count)
            if count >= frames:
                break
    settled = len(given) // 5  # the arrays of the first chunks grow into memory that is there
    growth = np.polyfit(given[settled:], held[settled:], 1)[0]
    network = voice.addon.config["networks"]["step"]
    axes = [
        network["inputs"][name]["shape"] for name, s in network["autoregressive"]["states"].items() if "append" in s
    ]
    bytes_a_frame = 4 * sum(int(np.prod([axis for axis in shape if isinstance(axis, int)])) for shape in axes)
    print(
        f"  over {count} frames the process grows by {growth / 1024:.1f} KiB a frame, {held[-1] / 2**20:.0f} MiB in all"
    )
    print(f"  the cache has {bytes_a_frame / 1024:g} KiB a frame")


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def network_times(addon: Path, rounds: int) -> None:
    """Print the time of a frame in each network alone, by rows and frames of a call: what a batch can gain."""
    networks = voxstack.load(addon).addon.config["networks"]
    cases = {
        "step": [{"batch": rows, "past": past} for past in (64, 192) for rows in (1, 4, 16)],
        "codec": [{"batch": rows, "frames": frames} for frames in (1, 4, 16, 64) for rows in (1, 4)],
    }
    for name, sizes_of in cases.items():
        session = _session((addon / networks[name]["exports"][0]["symbol"]).read_bytes())
        inputs = [_inputs_of(networks[name], sizes) for sizes in sizes_of]
        times: list[list[float]] = [[] for _ in sizes_of]
        for _ in range(10 * rounds):
            for case, seconds in zip(inputs, times, strict=True):
                seconds.append(_time(lambda s=session, i=case: s.run(None, i)))  # type: ignore[misc]
        for sizes, seconds in zip(sizes_of, times, strict=True):
            frames = sizes["batch"] * sizes.get("frames", 1)
            print(f"  {name}, {sizes}: {1000 * statistics.median(seconds) / frames:.3f} ms a frame")


def _session(model: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options)


def attention_cost(addon: Path, rounds: int) -> None:
    """Print the time of a step as a ratio of that of the same graph without its attention output."""
    import onnx
    from onnx.utils import Extractor

    network = voxstack.load(addon).addon.config["networks"]["step"]
    model = onnx.load(addon / network["exports"][0]["symbol"])
    others = [name for name in network["outputs"] if name != "attention"]
    names = [given.name for given in model.graph.input]
    graphs = {"without": Extractor(model).extract_model(names, others), "with": model}
    for past in (64, 192, 512):
        times: dict[str, list[float]] = {name: [] for name in graphs}
        for _ in range(rounds):  # where a session has its memory changes its time, so that each round opens others
            for name, graph in graphs.items():
                session = _session(graph.SerializeToString())
                inputs = _inputs_of(network, {"batch": 1, "past": past})
                runs = [_time(lambda s=session, i=inputs: s.run(None, i)) for _ in range(100)]  # type: ignore[misc]
                times[name].append(percentile(runs, 0.1))
        found = {name: statistics.median(values) for name, values in times.items()}
        print(f"  a step after {past} steps: {found['with'] / found['without']:.3f} x that without attention")


def _inputs_of(network: Mapping[str, Any], sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    shapes = {name: [sizes.get(axis, axis) for axis in spec["shape"]] for name, spec in network["inputs"].items()}
    return {
        name: np.ones(shape, np.int64)
        if network["inputs"][name]["dtype"] == "int64"
        else np.ones(shape, np.float32)
        if name == "mask"
        else (0.05 * random.standard_normal(shape)).astype(np.float32)
        for name, shape in shapes.items()
    }


def _time(run: Callable[[], Any]) -> float:
    watch = Stopwatch()
    run()
    return watch.wall


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--streams", type=int, default=16)
    parser.add_argument("--sizes", type=int, nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--parity", action="store_true", help="compare with transformers, too")
    parser.add_argument("--attention", action="store_true", help="only what the attention output costs")
    parser.add_argument("--networks", action="store_true", help="only the time of each network alone")
    parser.add_argument("--memory", action="store_true", help="only how the process grows with the speech")
    parser.add_argument("--folder", type=Path, help="keep the voices here, and use those that are here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        for size in options.sizes:
            addon = folder / f"addon-{size}"
            if not addon.exists():
                make_voice(folder, size)
            print(f"{size} million weights:")
            if options.parity:
                parity(folder, addon, size)
            if options.attention:
                attention_cost(addon, options.rounds)
            elif options.networks:
                network_times(addon, options.rounds)
            elif options.memory:
                memory(addon)
            else:
                throughput(addon, options.streams, options.rounds)


if __name__ == "__main__":
    main()
