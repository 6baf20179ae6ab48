"""One sentence in every context, with nothing else changed, and how far the results differ.

    python tests/every_context.py [--voice amber] [--text ...]

Prints a table. The exit status is 1 if a context differs from the first one, compiled anything during synthesis, or is
unavailable.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

import voxstack

TEXT = (
    "The same voice speaks on any hardware: here, on a graphics card, and on chips that want every tensor to have one "
    "of a few sizes."
)
SCHEDULES = [
    voxstack.Schedule(first=first, growth=growth, largest=largest)
    for first, growth, largest in ((1, 1.5, 9), (50, 3, 200))
]
LIMIT = 1e-3
"""Limit of the difference between samples and the reference, relative to its peak, in float32."""


def contexts(shapes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the contexts to compare, the reference first.

    :param shapes: the declared sizes of those with fixed shapes.
    """
    chosen: dict[str, Any] = {"onnx dynamic, windows": {"runtime": "onnx", "streaming": "windowed"}}
    for runtime, device in (("onnx", "cpu"), ("openvino", "CPU"), ("torch", "cpu")):
        chosen[f"{runtime} dynamic"] = f"{runtime}:{device}"
        chosen[f"{runtime} fixed"] = {"runtime": runtime, "device": device, "shapes": shapes}
    chosen["guard"] = {"runtime": "guard", "device": "0", "shapes": shapes}
    chosen["encoders guarded, decoder onnx, vocoder openvino"] = {
        **chosen["guard"],
        "networks": {"decoder": "onnx:cpu", "vocoder": "openvino:CPU"},
    }
    return chosen


def compilations(voice: voxstack.Voice) -> int:
    """Return how often the runtimes of a voice have compiled a network for a size."""
    return sum(stats.get("compilations", 0) for network in voice.addon.opened for stats in network.stats.values())


def main() -> int:
    """Synthesize in each context, compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voice", default="amber", help="name, folder or .zip of the voice")
    parser.add_argument("--text", default=TEXT, help="text to synthesize")
    options = parser.parse_args()
    shapes = voxstack.load(options.voice).addon.config["contexts"]["fixed"]["shapes"]
    scheduler = voxstack.Scheduler(load=None, patience=None)  # a busy machine refuses no stream
    reference, agreed = None, True
    print(f"{'context':50} {'error':>8} {'load s':>7} {'RTF':>7} {'compiled':>9}  runs on")
    for name, context in contexts(shapes).items():
        start = time.perf_counter()
        try:
            voice = voxstack.load(options.voice, context=context, scheduler=scheduler)
        except voxstack.VoxstackError as error:
            print(f"{name:50} is unavailable: {error}")
            agreed = False
            continue
        loaded, before = time.perf_counter() - start, compilations(voice)
        start = time.perf_counter()
        samples = voice.synthesize(options.text).samples
        rtf = (time.perf_counter() - start) * voice.sample_rate / len(samples)
        reference = samples if reference is None else reference
        streams = (streamed(voice, options.text, schedule) for schedule in (None, *SCHEDULES))
        error = max(difference(result, reference) for result in (samples, *streams))
        late = compilations(voice) - before
        agreed = agreed and error <= LIMIT and late == 0
        places = ", ".join(sorted({f"{row.runtime}:{row.device}" for row in voice.contexts()}))
        print(f"{name:50} {error:8.1e} {loaded:7.2f} {rtf:7.3f} {before:5} + {late}  {places}", flush=True)
    print("all agree" if agreed else f"they do not agree within {LIMIT:g} of the peak")
    return 0 if agreed else 1


def streamed(voice: voxstack.Voice, text: str, schedule: voxstack.Schedule | None) -> np.ndarray:
    """Return the samples of a stream, joined."""
    return np.concatenate([chunk.samples for chunk in voice.stream(text, schedule=schedule)])


def difference(samples: np.ndarray, reference: np.ndarray) -> float:
    """Return the largest difference, relative to the peak of the reference; infinite if the lengths differ."""
    if samples.shape != reference.shape:
        return float("inf")
    return float(np.abs(samples - reference).max() / np.abs(reference).max())


if __name__ == "__main__":
    raise SystemExit(main())
