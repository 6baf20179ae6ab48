"""The times of words that a voice reports, against a forced alignment of its audio by pocketsphinx.

``python tests/benchmarks/captions.py VOICE`` for an installed voice or the folder of one. The sentences are plain words
without numbers; a word that pocketsphinx's dictionary lacks leaves its sentence out. pocketsphinx counts in steps of
10 ms.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import soxr

import voxstack

HELD_OUT = Path(__file__).parents[2] / "plugins/voice_amber/training/heldout.txt"
RATE = 16_000


def aligned(decoder: Any, words: list[str], samples: np.ndarray) -> list[tuple[float, float]] | None:
    """Return start and end of each word in the samples, in seconds; None if they cannot be aligned."""
    audio = (np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes()
    try:
        decoder.set_align_text(" ".join(words))
        for again in (False, True):
            if again:
                decoder.set_alignment()
            decoder.start_utt()
            decoder.process_raw(audio, no_search=False, full_utt=True)
            decoder.end_utt()
        alignment = decoder.get_alignment()
    except RuntimeError:
        return None
    if alignment is None:
        return None
    found = [word for word in alignment if re.sub(r"\(\d+\)$", "", word.name) in words]
    if [re.sub(r"\(\d+\)$", "", word.name) for word in found] != words:
        return None
    return [(word.start / 100, (word.start + word.duration) / 100) for word in found]


def differences(voice: voxstack.Voice, sentences: list[str], **controls: Any) -> tuple[list[float], list[float], int]:
    """Return the differences of starts and of ends of words, in seconds, and the number of sentences."""
    from pocketsphinx import Decoder

    decoder = Decoder(loglevel="FATAL", lm=None, samprate=RATE)
    starts, ends, used = [], [], 0
    for sentence in sentences:
        words = re.findall(r"[a-z']+", sentence.lower())
        speech = voice.synthesize(sentence, **controls)
        events = [event for event in speech.events if event.kind == "word"]
        if [event.text.lower().strip(".,!?") for event in events] != words:
            print(f"words of {sentence!r} are {[event.text for event in events]}", file=sys.stderr)
            continue
        times = aligned(decoder, words, soxr.resample(speech.samples, voice.sample_rate, RATE))
        if times is None:
            continue
        used += 1
        starts += [event.start - start for event, (start, _) in zip(events, times, strict=True)]
        ends += [event.start + event.duration - end for event, (_, end) in zip(events, times, strict=True)]
    return starts, ends, used


def figures(values: list[float]) -> dict[str, float]:
    """Return the figures of differences, in milliseconds."""
    errors = 1000 * np.abs(values)
    return {
        "median": round(float(np.median(errors)), 1),
        "95 %": round(float(np.percentile(errors, 95)), 1),
        "worst": round(float(errors.max()), 1),
        "bias": round(1000 * float(np.median(values)), 1),
    }


def main() -> None:
    """Measure a voice, and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("voice")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    controls = {name: json.loads(value) for name, _, value in (item.partition("=") for item in options.set)}
    voice = voxstack.load(options.voice)
    starts, ends, used = differences(voice, HELD_OUT.read_text("utf-8").splitlines(), **controls)
    found = {"sentences": used, "words": len(starts), "starts, ms": figures(starts), "ends, ms": figures(ends)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
