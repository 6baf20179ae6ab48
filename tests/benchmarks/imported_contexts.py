"""Every context of an imported voice against its own speech at any length, over varied texts of 1 to 60 words.

    python tests/benchmarks/imported_contexts.py ADDON [--texts 200] [--seed 0] [--contexts a,b] [--out FILE]

The voice synthesizes each text in every context in turn. Where a context cuts a text that has more tokens than its
largest size, the reference synthesizes the same segments. Prints a table: failures, the largest difference relative to
the peak of the reference, texts that were cut, and CPU time relative to the first context. The exit status is 1 if a
text fails, or differs by more than 1e-3.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # tests import this
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import voxstack

ROOT = Path(__file__).parents[2]
LIMIT = 1e-3
"""Limit of the difference between samples and the reference, relative to its peak."""


@dataclass
class Result:
    """The results of one context.

    :param error: largest difference, relative to the peak of the reference, and ``worst``, the text that has it.
    :param cut: texts that had more tokens than the largest size.
    :param seconds: of CPU, and ``reference``: those of the reference for the same texts.
    :param failures: texts that failed, each with its error.
    """

    error: float = 0.0
    worst: str = ""
    cut: int = 0
    seconds: float = 0.0
    reference: float = 0.0
    failures: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether no text failed, and none differs by more than the limit."""
        return not self.failures and self.error <= LIMIT


def contexts_of(addon: str) -> dict[str, Any]:
    """Return the contexts to compare, the reference first: those of the addon in each runtime of this machine."""
    voice = voxstack.load(addon)
    chosen: dict[str, Any] = {"onnx, any length": "onnx:cpu", "openvino, any length": "openvino:CPU"}
    for name, context in voice.addon.config.get("contexts", {}).items():
        if context.get("shapes"):
            for runtime, device in (("onnx", "cpu"), ("openvino", "CPU")):
                moved = _moved(context, runtime, device)
                if moved not in chosen.values():  # such as those of "npu", which are those of "fixed"
                    chosen[f"{runtime}, {name}"] = moved
    return chosen


def _moved(context: dict[str, Any], runtime: str, device: str) -> dict[str, Any]:
    """Return a context in another runtime, in float32, with the same sizes."""
    place = {"runtime": runtime, "device": device, "precision": "float32"}
    inner = {name: {**own, **place} for name, own in context.get("networks", {}).items()}
    moved = {**context, **place, **({"networks": inner} if inner else {})}
    moved.pop("description", None)
    return moved


def compare(addon: str, contexts: dict[str, Any], texts: list[str]) -> dict[str, Result]:
    """Synthesize all texts in all contexts, and compare them with the first context."""
    scheduler = voxstack.Scheduler(load=None, patience=None)  # a busy machine refuses no stream
    voices = {name: voxstack.load(addon, context=context, scheduler=scheduler) for name, context in contexts.items()}
    plain, *others = voices.values()
    results = {name: Result() for name in voices}
    for number, text in enumerate(texts):
        expected, seconds = _timed(plain, text)
        for result, voice in zip(list(results.values())[1:], others, strict=True):
            _compare_one(result, voice, plain, text, expected, seconds)
        first = next(iter(results.values()))
        first.seconds, first.reference = first.seconds + seconds, first.reference + seconds
        if number % 20 == 19:
            print(f"{number + 1} texts", file=sys.stderr, flush=True)
    return results


def _compare_one(
    result: Result, voice: voxstack.Voice, plain: voxstack.Voice, text: str, expected: Any, seconds: float
) -> None:
    try:
        speech, own = _timed(voice, text)
    except voxstack.VoxstackError as error:
        result.failures.append(f"{text[:40]!r}: {error}")
        return
    result.seconds, result.reference = result.seconds + own, result.reference + seconds
    samples = expected.samples
    if len(_units(speech)) > len(_units(expected)):
        result.cut += 1
        samples = np.concatenate([plain.synthesize(unit).samples for unit in _units(speech)])
    error = difference(speech.samples, samples)
    if error > LIMIT:
        result.different.append(f"{text[:40]!r}: {error:.2g} ({len(speech.samples)} and {len(samples)} samples)")
    if error > result.error:
        result.error, result.worst = error, text


def _timed(voice: voxstack.Voice, text: str) -> tuple[Any, float]:
    start = time.process_time()
    speech = voice.synthesize(text)
    return speech, time.process_time() - start


def _units(speech: Any) -> list[str]:
    return [event.text for event in speech.events if event.kind in ("sentence", "phrase")]


def difference(samples: np.ndarray, reference: np.ndarray) -> float:
    """Return the largest difference, relative to the peak of the reference; infinite if the lengths differ."""
    if samples.shape != reference.shape:
        return float("inf")
    return float(np.abs(samples - reference).max() / max(np.abs(reference).max(), 1e-9))


def table(results: dict[str, Result], texts: int) -> str:
    """Return the results as Markdown."""
    lines = [
        f"| context | of {texts} texts failed | differ > {LIMIT:g} | largest difference | cut | CPU, ratio |",
        "|---|---|---|---|---|---|",
    ]
    for name, result in results.items():
        ratio = result.seconds / max(result.reference, 1e-9)
        counts = f"{len(result.failures)} | {len(result.different)} | {result.error:.1e} | {result.cut}"
        lines.append(f"| {name} | {counts} | {ratio:.2f} |")
    return "\n".join(lines)


def main() -> int:
    """Measure, print and write; return exit status 1 if a context does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("addon", help="name, folder or .zip of the voice")
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--contexts", help="names of those to compare with the first one (default: all)")
    parser.add_argument("--out", type=Path, help="file for the results, as JSON")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT / "plugins" / "importers" / "tests" / "support"))
    from varied_texts import varied_texts

    contexts = contexts_of(options.addon)
    first = next(iter(contexts))
    wanted = contexts if options.contexts is None else {first, *options.contexts.split(";")}
    texts = varied_texts(options.texts, seed=options.seed)
    results = compare(options.addon, {name: contexts[name] for name in contexts if name in wanted}, texts)
    print(table(results, len(texts)))
    for name, result in results.items():
        for line in result.failures + result.different:
            print(f"{name}: {line}")
    if options.out:
        options.out.write_text(json.dumps({name: vars(result) for name, result in results.items()}, indent=1) + "\n")
    return int(not all(result.holds for result in results.values()))


if __name__ == "__main__":
    sys.exit(main())
