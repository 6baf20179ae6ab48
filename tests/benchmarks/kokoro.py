"""Kokoro beside kokoro-onnx: equality of samples and of phonemes, first audio and processor time.

``python tests/benchmarks/kokoro.py ADDON MODEL.onnx VOICES.npz [--rounds N]``: ADDON is what ``voxstack import kokoro``
made of MODEL and VOICES in English. Both run in processes of their own, with one thread, and take turns, so that a busy
machine slows both; ratios are those of voxstack to kokoro-onnx, median of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "plugins/importers/tests/support"))
from trained_kokoro import ENGLISH, JAPANESE, run_peer
from trained_kokoro import TEXTS as SENTENCES

TEXTS = {
    "a sentence": "This is what the voice says, as the original says it.",
    "a paragraph": "The quick brown fox jumps over the lazy dog. It was a bright cold day in April, and the clocks "
    "were striking thirteen. What time is it now? Please close the door behind you.",
    "a page": " ".join(
        [
            "She sells sea shells by the sea shore. If you give a mouse a cookie, he will ask for a glass of milk.",
            "The company reported a loss of two million dollars. We hold these truths to be self evident.",
            "All is well that ends well. The train leaves at half past seven. Can you hear me? Music is the food of",
            "love. He read the book, and then he wrote one. There were thirty apples in the basket. It rained all day.",
            "Nobody knew what had happened to the old man. They walked along the river until it was dark.",
            "The answer was not what they had expected, but it was a good one. Good night, and sweet dreams.",
        ]
    ),
}


class Ours:
    """A voice of voxstack."""

    def __init__(self, addon: str, *_: str) -> None:
        import voxstack

        self.voice = voxstack.load(addon)
        reading = self.voice.addon.config["stack"][0]["block"]["sequence_block"]
        self.reader = voxstack.build(reading, self.voice.addon)

    def speak(self, text: str, speaker: str) -> dict[str, float]:
        """Return the seconds to the first audio, of processor time, and of audio."""
        start, cpu, first, samples = time.perf_counter(), time.process_time(), None, 0
        for chunk in self.voice.stream(text, speaker=speaker):
            first = first or time.perf_counter() - start
            samples += len(chunk.samples)
        return {"first": first, "cpu": time.process_time() - cpu, "audio": samples / 24000}

    def phonemes(self, text: str) -> str:
        """Return the phonemes of a text that the model knows."""
        return "".join(self.reader({"text": text})["phonemes"])


class Peer:
    """kokoro-onnx with one thread."""

    def __init__(self, _: str, model: str, voices: str) -> None:
        import onnxruntime
        from kokoro_onnx import Kokoro

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.kokoro = Kokoro.from_session(session, voices)

    def speak(self, text: str, speaker: str) -> dict[str, float]:
        return asyncio.run(self._speak(text, speaker))

    async def _speak(self, text: str, speaker: str) -> dict[str, float]:
        start, cpu, first, samples = time.perf_counter(), time.process_time(), None, 0
        async for chunk, _ in self.kokoro.create_stream(text, speaker, lang="en-us"):
            first = first or time.perf_counter() - start
            samples += len(chunk)
        return {"first": first, "cpu": time.process_time() - cpu, "audio": samples / 24000}

    def phonemes(self, text: str) -> str:
        return str(self.kokoro.tokenizer.phonemize(text, "en-us"))


def serve(kind: str, files: list[str]) -> None:
    """Answer requests, a line of JSON each."""
    synthesizer: Any = {"ours": Ours, "peer": Peer}[kind](*files)
    print("ready", flush=True)
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        print(json.dumps(getattr(synthesizer, method)(*arguments)), flush=True)


class Process:
    """A synthesizer in a process of its own."""

    def __init__(self, kind: str, files: list[str]) -> None:
        command = [sys.executable, __file__, *files, "--serve", kind]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        while self._line() != "ready":
            pass

    def call(self, *request: str) -> Any:
        assert self.process.stdin is not None
        print(json.dumps(request), file=self.process.stdin, flush=True)
        return json.loads(self._line())

    def close(self) -> None:
        self.process.communicate(timeout=60)

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the process ended with {self.process.wait()}")
        return line.strip()


def compare_samples(addon: str, model: str, voices: str) -> None:
    """Print the largest difference of samples in 30 sentences, from equal phonemes on."""
    import voxstack

    voice = voxstack.load(addon)
    config = voice.addon.config["stack"][0]["block"]["streamable_block"]["block"]["sequence_block"]["blocks"]
    characters, blend = (voxstack.build(spec, voice.addon, available=["phonemes"]) for spec in config[:2])
    reader = voxstack.build({"type": "JapanesePhonemes"}, voice.addon)
    japanese = ["".join(reader({"text": text})["phonemes"]) for text in JAPANESE]
    names = voice.controls["speaker"]["examples"]
    speakers = [
        *[name for name in names if name[0] in "ab"][: len(ENGLISH)],
        *[name for name in names if name[0] == "j"],
    ]
    requests = [
        {"phonemes": phonemes, "voice": speakers[number % len(speakers)], "speed": (1.0, 0.8, 1.3)[number % 3]}
        for number, phonemes in enumerate([*ENGLISH, *japanese])
    ]
    expected = run_peer({"model": Path(model), "voices": Path(voices)}, requests)
    network, errors = voice.addon.network("voice"), []
    for number, request in enumerate(requests):
        utterance = {"phonemes": list(request["phonemes"]), "speaker": request["voice"]}
        tokens, weights = characters(utterance)["tokens"], blend(utterance)["speaker_weights"]
        style = voice.addon.network("styles")(tokens=tokens, speaker_weights=weights)["style"]
        found = network(tokens=tokens, style=style, rate=np.float32(request["speed"]))["samples"]
        reference = expected[f"samples_{number}"]
        errors.append(float(np.abs(found - reference).max() / np.abs(reference).max()))
    print(f"samples before trimming, {len(errors)} sentences: largest difference {max(errors):.2g} of the peak")
    print(f"  equal bit by bit: {sum(error == 0 for error in errors)}; median {statistics.median(errors):.2g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs=3, metavar="FILE", help="the addon, the model, and the voices")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--speaker", default="")
    parser.add_argument("--only", action="append", choices=TEXTS, help="measure the time of these texts, and no more")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.files)
        return
    if not options.only:
        compare_samples(*options.files)
    with np.load(options.files[2]) as voices:
        speaker = options.speaker or sorted(voices.files)[0]
    processes = {kind: Process(kind, options.files) for kind in ("ours", "peer")}
    if not options.only:
        compare_phonemes(processes)
    for name in options.only or TEXTS:
        compare_times(processes, name, speaker, options.rounds)
    for process in processes.values():
        process.close()


def compare_phonemes(processes: dict[str, Process]) -> None:
    """Print in how many sentences the phonemes are equal, and those of the others."""
    found = {kind: [process.call("phonemes", text) for text in SENTENCES] for kind, process in processes.items()}
    equal = [a == b for a, b in zip(found["ours"], found["peer"], strict=True)]
    print(f"phonemes from the text on: equal in {sum(equal)} of {len(equal)} sentences")
    for same, *pair in zip(equal, found["ours"], found["peer"], strict=True):
        if not same:
            print(f"  {pair[0]}\n  {pair[1]}")


def compare_times(processes: dict[str, Process], name: str, speaker: str, rounds: int) -> None:
    """Print the ratios for one text; each process synthesizes it once before."""
    for process in processes.values():
        process.call("speak", TEXTS[name], speaker)
    rows = []
    for number in range(rounds):
        order = list(processes) if number % 2 else list(processes)[::-1]
        measured = {kind: processes[kind].call("speak", TEXTS[name], speaker) for kind in order}
        rows.append({key: measured["ours"][key] / measured["peer"][key] for key in ("first", "cpu", "audio")})
    ratios = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
    spread = " ".join(f"{row['first']:.2f}/{row['cpu']:.2f}" for row in rows)
    print(f"{name}: " + ", ".join(f"{key} {ratio:.2f}" for key, ratio in ratios.items()) + f" ({spread})", flush=True)


if __name__ == "__main__":
    main()
