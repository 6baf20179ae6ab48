"""One sentence by voices of every architecture, interleaved in one process: ``python tests/architectures.py``.

The voices are amber (parallel, explicit durations), cobalt (attention, step by step), a Piper voice, a VITS and a
SpeechT5 of transformers, imported here with random weights, and the synthesizers espeak-ng and flite (where its library
is installed). Every stream is compared, sample by sample, with the same request alone, and a table lists what each
voice computed before its first audio.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import threading
from collections.abc import Iterator
from ctypes.util import find_library
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import voxstack
from voxstack import Schedule, Scheduler, Voices

ROOT = Path(__file__).parents[1]
SUPPORT = ROOT / "plugins" / "importers" / "tests" / "support"
SENTENCE = "The old bridge across the river was closed for repairs last winter."
SCHEDULE = Schedule(first=16, growth=1.0001, largest=16)  # the same chunks in every run, at any speed of the machine
STREAMS = 24


@dataclass
class Row:
    """A voice, and its measurements.

    :param place: name of the voice, or path of its addon.
    :param samples: those of its stream alone, (samples,), and ``seconds``, their duration.
    :param first: calls of its networks before the first audio; 0 for a voice without networks.
    :param calls: calls of its networks in all.
    :param chunks: number of chunks.
    :param share: part of the audio that is in the first chunk.
    :param chunked: largest difference between the stream and the whole, relative to the peak.
    :param interleaved: largest difference between a stream among others and one alone, relative to the peak.
    :param resumed: largest difference between a stream that starts in the middle and the whole, relative to the peak.
    :param own: megabytes of the networks that only this voice uses, and ``shared``, of those that others use as well.
    """

    name: str
    architecture: str
    place: str
    samples: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    seconds: float = 0.0
    first: int = 0
    calls: int = 0
    chunks: int = 0
    share: float = 0.0
    chunked: float = 0.0
    interleaved: float = 0.0
    resumed: float = 0.0
    own: float = 0.0
    shared: float = 0.0


def import_voices(folder: Path) -> list[Row]:
    """Return a row for each voice, after importing those of other software into ``folder``."""
    sys.path.insert(0, str(SUPPORT))
    originals, pretrained = __import__("originals"), __import__("pretrained")
    from voxstack_importers import import_voice

    def imported(importer: str, path: Path, name: str, **options: str) -> str:
        return str(import_voice(importer, path, folder / name, progress=lambda line: None, **options))

    speecht5, vocoder = pretrained.speecht5_voice(folder / "source-speecht5", end=-2.3)
    vits = pretrained.vits_voice(folder / "source-vits")
    piper = originals.piper_voice(folder, "one")
    return [
        Row("amber", "parallel, explicit durations", "amber"),
        Row("cobalt", "attention, autoregressive", "cobalt"),
        Row("piper", "VITS, from Piper", imported("piper", piper, "piper")),
        Row("vits", "VITS, from transformers", imported("transformers", vits, "vits")),
        Row(
            "speecht5",
            "SpeechT5, from transformers",
            imported("transformers", speecht5, "speecht5", vocoder=str(vocoder)),
        ),
        Row("espeak", "formants, espeak-ng", "espeak"),
        *([Row("flite", "statistical parametric, flite", "flite")] if find_library("flite") else []),
    ]


def run(rows: list[Row]) -> None:
    """Fill in the measurements of all rows; all voices are loaded at once."""
    voices = Voices(scheduler=Scheduler(load=None, patience=None))  # a busy machine refuses no stream
    voices.warm(*(row.place for row in rows))
    for row in rows:
        measure_alone(row, voices)
    compare_in_turn(rows, voices)
    compare_on_threads(rows, voices)
    status = {voice.name: voice for voice in voices.status()}
    for row in rows:
        row.own, row.shared = status[row.place].own / 1e6, status[row.place].shared / 1e6


def measure_alone(row: Row, voices: Voices) -> None:
    """Synthesize the sentence with one voice, in chunks and whole, and count the calls of its networks."""
    with voices.use(row.place) as voice:
        whole = voice.synthesize(SENTENCE).samples
        calls = _record_calls(voice)
        chunks, calls_by_chunk = [], []
        for chunk in voice.stream(SENTENCE, schedule=SCHEDULE):
            chunks.append(chunk.samples)
            calls_by_chunk.append(len(calls))
        row.samples = np.concatenate(chunks)
        row.seconds = len(row.samples) / voice.sample_rate
        row.first, row.calls, row.chunks = calls_by_chunk[0], calls_by_chunk[-1], len(chunks)
        row.share = len(chunks[0]) / len(row.samples)
        row.chunked = difference(row.samples, whole)
        row.resumed = max(_resumed(voice, f"{SENTENCE} {SENTENCE}"))


def _resumed(voice: voxstack.Voice, text: str) -> Iterator[float]:
    """Yield the differences between streams that start in the middle and the rest of the whole."""
    whole = np.concatenate([chunk.samples for chunk in voice.stream(text, schedule=SCHEDULE)])
    for start in (1, len(whole) // 3, len(whole) * 2 // 3 + 1):
        chunks = [chunk.samples for chunk in voice.stream(text, schedule=SCHEDULE, start=start)]
        yield difference(np.concatenate(chunks), whole[start:])


def _record_calls(voice: voxstack.Voice) -> list[str]:
    """Return a list to which each call of the voice's networks adds the name of the network, from now on."""
    calls: list[str] = []
    for network in voice.addon.opened:
        run = network._run
        network._run = lambda *, _run=run, _name=network.spec.name, **tensors: calls.append(_name) or _run(**tensors)
    return calls


def difference(samples: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference of samples, relative to the peak; infinite if their numbers differ."""
    if samples.shape != expected.shape:
        return float("inf")
    return float(np.abs(samples - expected).max() / np.abs(expected).max())


def compare_in_turn(rows: list[Row], voices: Voices) -> None:
    """Pull one chunk of each of many streams in turn, and compare every stream with the one alone."""
    of_stream = [rows[number % len(rows)] for number in range(STREAMS)]
    streams: list[Iterator[Any] | None] = [voices.stream(row.place, SENTENCE, schedule=SCHEDULE) for row in of_stream]
    chunks: list[list[np.ndarray]] = [[] for _ in streams]
    while any(stream is not None for stream in streams):
        for number, stream in enumerate(streams):
            chunk = next(stream, None) if stream is not None else None
            if chunk is None:
                streams[number] = None
            else:
                chunks[number].append(chunk.samples)
    for row, samples in zip(of_stream, chunks, strict=True):
        row.interleaved = max(row.interleaved, difference(np.concatenate(samples), row.samples))


def compare_on_threads(rows: list[Row], voices: Voices) -> None:
    """Run many streams, each on a thread, and compare every stream with the one alone."""

    def compare(row: Row) -> None:
        chunks = [chunk.samples for chunk in voices.stream(row.place, SENTENCE, schedule=SCHEDULE)]
        row.interleaved = max(row.interleaved, difference(np.concatenate(chunks), row.samples))

    threads = [threading.Thread(target=compare, args=(rows[number % len(rows)],)) for number in range(STREAMS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def table(rows: list[Row]) -> str:
    """Return the rows as Markdown."""
    head = "voice | architecture | calls before the first audio | of | chunks | "
    head += "chunked against whole | together against alone | own MB | shared MB"
    lines = [f"| {head} |", "|" + "---|" * (head.count("|") + 1)]
    for row in rows:
        calls = f"{row.first} | {row.calls}" if row.calls else f"- | {row.share:.0%} of the audio in the first chunk"
        exact = " | ".join("equal" if value == 0 else f"{value:.0e}" for value in (row.chunked, row.interleaved))
        lines.append(
            f"| {row.name} | {row.architecture} | {calls} | {row.chunks} | {exact} | {row.own:.1f} | {row.shared:.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run everything and print the table."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    logging.getLogger("voxstack.text").setLevel(logging.ERROR)  # models of random weights know few letters
    with tempfile.TemporaryDirectory() as folder:
        rows = import_voices(Path(folder))
        run(rows)
        print(table(rows))
    status = Path("/proc/self/status")
    if status.exists():
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        print(f"\nPeak memory of the process: {int(peak.split()[1]) / 1024:.0f} MB, with torch for the imports.")


if __name__ == "__main__":
    main()
