"""What a recogniser hears: word and character error rates."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

HELD_OUT, FURTHER = (Path(__file__).with_name(name) for name in ("heldout.txt", "further.tsv"))
HEARD_RATE = 16000  # Hz, what the recogniser's model was trained on
LEVEL = 0.6  # peak of what it hears

Speak = Callable[[str], tuple[np.ndarray, int]]


class Sentence(NamedTuple):
    """A text, and the words that are said of it."""

    text: str
    said: str


def sentences(path: Path) -> list[Sentence]:
    """Read one sentence a line; what is said of it stands behind a TAB where it is not the text's own words."""
    rows = (line.split("\t") for line in path.read_text().splitlines() if line.strip())
    return [Sentence(row[0].strip(), words(row[-1])) for row in rows]


def words(text: str) -> str:
    """Lower-case words, without punctuation."""
    text = re.sub(
        r"\b(mr|mrs|dr)\.", lambda found: {"mr": "mister", "mrs": "missus", "dr": "doctor"}[found[1]], text.lower()
    )
    return " ".join(re.sub(r"[^a-z' ]", " ", text.replace("-", " ")).split())


class Recogniser:
    """Writes down speech: pocketsphinx with the American English model that it carries."""

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


def measure(speak: Speak, spoken: list[Sentence], title: str) -> dict[str, Any]:
    """Speak and recognise every sentence.

    :return: ``wer`` and ``cer``, the word and character error rates (0 to 1), ``wer_error``, the standard error of the first over
        sentences, ``rtf``, CPU seconds a second of speech, ``seconds`` of speech, and what was ``heard``.
    """
    import jiwer

    recogniser, heard, cpu, seconds = Recogniser(), [], 0.0, 0.0
    for sentence in tqdm(spoken, desc=title, unit="sentence", file=sys.stderr):
        begun = time.process_time()
        samples, rate = speak(sentence.text)
        cpu += time.process_time() - begun
        seconds += len(samples) / rate
        heard.append(recogniser.hear(samples, rate) or "nothing")
    said = [sentence.said for sentence in spoken]
    return {
        "sentences": len(spoken),
        "seconds": round(seconds, 1),
        "wer": round(jiwer.wer(said, heard), 4),
        "wer_error": round(_standard_error(said, heard), 4),
        "cer": round(jiwer.cer(said, heard), 4),
        "rtf": round(cpu / seconds, 5),
        "heard": heard,
    }


def _standard_error(said: list[str], heard: list[str]) -> float:
    """Standard error of the word error rate, over sentences (the ratio estimator's)."""
    import jiwer

    counts = np.array([len(one.split()) for one in said], float)
    errors = np.array([jiwer.wer(a, b) for a, b in zip(said, heard, strict=True)]) * counts
    residuals = errors - counts * errors.sum() / counts.sum()
    return float(np.sqrt((residuals**2).sum() * len(said) / max(1, len(said) - 1)) / counts.sum())
