"""One sentence by voices of every architecture, interleaved in one process: python tests/architectures.py

amber (parallel, explicit durations), cobalt (attention, step by step), a Piper voice and a VITS and a SpeechT5 of transformers, imported
here with random weights, and the synthesizers espeak-ng and flite (where its library is installed). Every stream is compared, sample by
sample, with the same request alone, and the table says what each voice had to do for its first audio.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from ctypes.util import find_library
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import voxstack
from voxstack import Schedule
from voxstack_voices import Voices

ROOT = Path(__file__).parents[1]
SUPPORT = ROOT / "plugins" / "importers" / "tests" / "support"
SENTENCE = "The old bridge across the river was closed for repairs last winter."
SIZES = Schedule(first=16, growth=1.0001, largest=16)  # the same chunks in every run, whatever the clock says
STREAMS = 24


@dataclass
class Row:
    """A voice, and what was found of it.

    :param place: its name, or where its addon is.
    :param first: calls of its networks before the first audio, ``calls`` in all; none for what is no network.
    :param streamed: largest difference of samples, in chunks and whole, of the peak; ``together``: interleaved and alone.
    """

    name: str
    architecture: str
    place: str
    first: int = 0
    calls: int = 0
    chunks: int = 0
    share: float = 0.0
    streamed: float = 0.0
    together: float = 0.0
    own: float = 0.0
    shared: float = 0.0
    seconds: float = 0.0
    alone: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))


def rows(folder: Path) -> list[Row]:
    """All voices; those of other software are imported into ``folder``."""
    sys.path.insert(0, str(SUPPORT))
    originals, pretrained = __import__("originals"), __import__("pretrained")
    from voxstack_importers import import_voice

    quiet: Callable[[str], None] = lambda line: None  # noqa: E731
    piper = import_voice("piper", originals.piper_voice(folder, "one"), folder / "piper", log=quiet)
    vits = import_voice("transformers", pretrained.vits_voice(folder / "source-vits"), folder / "vits", log=quiet)
    model, vocoder = pretrained.speecht5_voice(folder / "source-speecht5", end=-2.6)
    speecht5 = import_voice("transformers", model, folder / "speecht5", log=quiet, vocoder=str(vocoder))
    return [
        Row("amber", "parallel, explicit durations", "amber"),
        Row("cobalt", "attention, autoregressive", "cobalt"),
        Row("piper", "VITS, from Piper", str(piper)),
        Row("vits", "VITS, from transformers", str(vits)),
        Row("speecht5", "SpeechT5, from transformers", str(speecht5)),
        Row("espeak", "formants, espeak-ng", "espeak"),
        *([Row("flite", "statistical parametric, flite", "flite")] if find_library("flite") else []),
    ]


def alone(row: Row, voices: Voices) -> None:
    """Speak the sentence by one voice, in chunks and whole, and count."""
    with voices.use(row.place) as voice:
        whole = voice.synthesize(SENTENCE).samples
        calls = _counted(voice)
        samples, seen = [], []
        for chunk in voice.stream(SENTENCE, schedule=SIZES):
            samples.append(chunk.samples)
            seen.append(len(calls))
        row.alone = np.concatenate(samples)
        row.first, row.calls, row.chunks = seen[0], seen[-1], len(seen)
        row.share = len(samples[0]) / len(row.alone)
        row.seconds = len(row.alone) / voice.sample_rate
        row.streamed = difference(row.alone, whole)


def _counted(voice: voxstack.Voice) -> list[str]:
    """The networks that a voice calls from now on, in order."""
    calls: list[str] = []
    for network in voice.addon.opened:
        run = network._run
        network._run = lambda *, _run=run, _name=network.spec.name, **given: calls.append(_name) or _run(**given)
    return calls


def difference(made: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference of samples, of the peak; infinite where there are not as many."""
    return float(np.abs(made - wanted).max() / np.abs(wanted).max()) if made.shape == wanted.shape else float("inf")


def interleaved(found: list[Row], voices: Voices) -> None:
    """Pull a chunk of each of many streams in turn, then all of them on threads; each is compared with its run alone."""
    turns = [found[number % len(found)] for number in range(STREAMS)]
    streams: list[Iterator[Any] | None] = [voices.stream(row.place, SENTENCE, schedule=SIZES) for row in turns]
    made: list[list[np.ndarray]] = [[] for _ in turns]
    while any(stream is not None for stream in streams):
        for number, stream in enumerate(streams):
            chunk = next(stream, None) if stream is not None else None
            if chunk is None:
                streams[number] = None
            else:
                made[number].append(chunk.samples)
    for row, samples in zip(turns, made, strict=True):
        row.together = max(row.together, difference(np.concatenate(samples), row.alone))

    def run(row: Row) -> None:
        samples = np.concatenate([chunk.samples for chunk in voices.stream(row.place, SENTENCE, schedule=SIZES)])
        row.together = max(row.together, difference(samples, row.alone))

    threads = [threading.Thread(target=run, args=(row,)) for row in turns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def table(found: list[Row]) -> str:
    """The rows as Markdown."""
    head = "voice | architecture | calls before the first audio | of | chunks | "
    head += "chunked against whole | together against alone | own MB | shared MB"
    lines = [f"| {head} |", "|" + "---|" * (head.count("|") + 1)]
    for row in found:
        calls = f"{row.first} | {row.calls}" if row.calls else f"- | {row.share:.0%} of the audio in the first chunk"
        exact = " | ".join("equal" if value == 0 else f"{value:.0e}" for value in (row.streamed, row.together))
        lines.append(
            f"| {row.name} | {row.architecture} | {calls} | {row.chunks} | {exact} | {row.own:.1f} | {row.shared:.1f} |"
        )
    return "\n".join(lines)


def run(folder: Path) -> list[Row]:
    """Everything, on voices that are all loaded at once."""
    voices, found = Voices(), rows(folder)
    voices.warm(*(row.place for row in found))
    for row in found:
        alone(row, voices)
    interleaved(found, voices)
    told = {row.name: row for row in voices.status()}
    for row in found:
        row.own, row.shared = told[row.place].own / 1e6, told[row.place].shared / 1e6
    return found


def main() -> None:
    """Run everything and print the table."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    logging.getLogger("voxstack.text").setLevel(logging.ERROR)  # models of random weights know few letters
    with tempfile.TemporaryDirectory() as folder:
        print(table(run(Path(folder))))
    status = Path("/proc/self/status")
    if status.exists():
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        print(f"\nMemory of the process at most: {int(peak.split()[1]) / 1024:.0f} MB, imports with torch in it.")


if __name__ == "__main__":
    main()
