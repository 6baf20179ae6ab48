"""Measure a voice on held-out sentences: word error rate, speed, and what the teacher's own audio scores.

    python plugins/voice_amber/training/evaluate.py [--voice amber] [--teacher slt] [--json result.json]

A speech recogniser (pocketsphinx with the American English model that it carries) writes down what it hears of each
sentence, spoken by the whole chain from plain text on; the word error rate is counted against the text. The teacher's own
speech is measured the same way where flite's development files are installed.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import voxstack

HELD_OUT = Path(__file__).with_name("heldout.txt")
HEARD_RATE = 16000  # Hz, what the recogniser's model was trained on
LEVEL = 0.6  # peak of what it hears

Speak = Callable[[str], tuple[np.ndarray, int]]


def words(text: str) -> str:
    """Lower-case words, without punctuation."""
    return " ".join(re.sub(r"[^a-z' ]", " ", text.lower().replace("-", " ")).split())


class Recogniser:
    """Writes down speech."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._new = lambda: Decoder(samprate=HEARD_RATE, loglevel="FATAL")

    def hear(self, samples: np.ndarray, rate: int) -> str:
        """Return the words heard in ``samples``, (samples,), at ``rate`` Hz; a fresh decoder hears no other sentence's noise."""
        if rate != HEARD_RATE:
            import soxr

            samples = soxr.resample(samples, rate, HEARD_RATE)
        peak = max(1e-9, float(np.abs(samples).max(initial=0)))
        decoder = self._new()
        decoder.start_utt()
        decoder.process_raw((samples / peak * LEVEL * 32767).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        best = decoder.hyp()
        return words(best.hypstr) if best else ""


def measure(speak: Speak, sentences: list[str], title: str) -> dict[str, Any]:
    """Speak and recognise every sentence; return word error rate, real-time factor and what was heard."""
    import jiwer

    recogniser, heard, cpu, seconds = Recogniser(), [], 0.0, 0.0
    for sentence in tqdm(sentences, desc=title, unit="sentence", file=sys.stderr):
        begun = time.process_time()
        samples, rate = speak(sentence)
        cpu += time.process_time() - begun
        seconds += len(samples) / rate
        heard.append(recogniser.hear(samples, rate))
    wer = jiwer.wer([words(sentence) for sentence in sentences], [h or "nothing" for h in heard])
    return {"sentences": len(sentences), "seconds": round(seconds, 1), "wer": round(wer, 4), "rtf": round(cpu / seconds, 4), "heard": heard}


def by_voice(voice: voxstack.Voice) -> Speak:
    """The whole chain of a voice."""

    def speak(text: str) -> tuple[np.ndarray, int]:
        speech = voice.synthesize(text)
        return speech.samples, speech.sample_rate

    return speak


def by_teacher(name: str, folder: Path) -> Speak:
    """The teacher itself, compiled into ``folder``."""
    sys.path.append(str(Path(__file__).resolve().parents[2] / "voice_prism" / "training"))
    from delivery import PLAIN
    from features import SAMPLE_RATE
    from speech import build_teacher, spoken

    program = build_teacher(folder)

    def speak(text: str) -> tuple[np.ndarray, int]:
        wave = next(spoken(program, name, [(text, PLAIN)]))[0]
        return wave.astype(np.float32) / 32768, SAMPLE_RATE

    return speak


def main() -> None:
    """Measure, print a table, and write the whole result where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voice", default="amber", help="name, folder or .zip of the voice")
    parser.add_argument("--teacher", choices=["slt", "rms"], help="measure the teacher's own audio too (needs flite1-dev, torch)")
    parser.add_argument("--text", type=Path, default=HELD_OUT, help="one sentence a line")
    parser.add_argument("--json", type=Path, help="write everything here")
    options = parser.parse_args()
    sentences = [line.strip() for line in options.text.read_text().splitlines() if line.strip()]
    results = {options.voice: measure(by_voice(voxstack.load(options.voice)), sentences, options.voice)}
    if options.teacher:
        with tempfile.TemporaryDirectory() as folder:
            results[options.teacher] = measure(by_teacher(options.teacher, Path(folder)), sentences, options.teacher)
    for name, result in results.items():
        print(f"{name:10} WER {result['wer']:6.1%}   RTF {result['rtf']:.4f}   {result['sentences']} sentences, {result['seconds']} s")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
