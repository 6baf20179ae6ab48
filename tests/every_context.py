"""Speak one sentence in every context, with nothing changed but the context, and compare what comes out.

``python tests/every_context.py [--voice amber] [--text ...]`` prints a table and ends with 1 if a context does not agree with the
first, has compiled anything while it spoke, or cannot be had.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

import voxstack

TEXT = "The same voice speaks on any hardware: here, on a graphics card, and on chips that want every tensor to have one of a few sizes."
SCHEDULES = [
    voxstack.Schedule(first=first, growth=growth, largest=largest)
    for first, growth, largest in ((1, 1.5, 9), (50, 3, 200))
]
LIMIT = 1e-3
"""How far samples may be from the reference, of its peak, in float32."""


def contexts(shapes: Mapping[str, Any]) -> dict[str, Any]:
    """What is tried, the reference first.

    :param shapes: the only sizes in the fixed ones.
    """
    made: dict[str, Any] = {"onnx dynamic, windows": {"runtime": "onnx", "streaming": "windowed"}}
    for runtime, device in (("onnx", "cpu"), ("openvino", "CPU"), ("torch", "cpu")):
        made[f"{runtime} dynamic"] = f"{runtime}:{device}"
        made[f"{runtime} fixed"] = {"runtime": runtime, "device": device, "shapes": shapes}
    made["guard"] = {"runtime": "guard", "device": "0", "shapes": shapes}
    made["encoders guarded, decoder onnx, vocoder openvino"] = {
        **made["guard"],
        "networks": {"decoder": "onnx:cpu", "vocoder": "openvino:CPU"},
    }
    return made


def compilations(voice: voxstack.Voice) -> int:
    """How often its runtimes have compiled a network for a size."""
    return sum(stats.get("compilations", 0) for network in voice.addon.opened for stats in network.stats.values())


def main() -> int:
    """Speak, compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voice", default="amber")
    parser.add_argument("--text", default=TEXT)
    options = parser.parse_args()
    shapes = voxstack.load(options.voice).addon.config["contexts"]["fixed"]["shapes"]
    reference, agreed = None, True
    print(f"{'context':50} {'error':>8} {'load s':>7} {'RTF':>7} {'compiled':>9}  runs on")
    for name, context in contexts(shapes).items():
        start = time.perf_counter()
        try:
            voice = voxstack.load(options.voice, context=context)
        except voxstack.VoxstackError as error:
            print(f"{name:50} cannot be had: {error}")
            agreed = False
            continue
        loaded, before = time.perf_counter() - start, compilations(voice)
        start = time.perf_counter()
        samples = voice.synthesize(options.text).samples
        rtf = (time.perf_counter() - start) * voice.sample_rate / len(samples)
        streams = [
            np.concatenate([c.samples for c in voice.stream(options.text, schedule=s)]) for s in (None, *SCHEDULES)
        ]
        reference = samples if reference is None else reference
        error = max(difference(made, reference) for made in (samples, *streams))
        late = compilations(voice) - before
        agreed = agreed and error <= LIMIT and late == 0
        places = sorted({f"{row.runtime}:{row.device}" for row in voice.contexts()})
        print(f"{name:50} {error:8.1e} {loaded:7.2f} {rtf:7.3f} {before:5} + {late}  {', '.join(places)}", flush=True)
    print("all agree" if agreed else f"they do not agree within {LIMIT:g} of the peak")
    return 0 if agreed else 1


def difference(samples: np.ndarray, reference: np.ndarray) -> float:
    """The largest difference, of the reference's peak; infinite for another length."""
    if samples.shape != reference.shape:
        return float("inf")
    return float(np.abs(samples - reference).max() / np.abs(reference).max())


if __name__ == "__main__":
    raise SystemExit(main())
