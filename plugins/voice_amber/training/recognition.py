"""Speech recognition of synthesized sentences: word and character error rates."""

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
RECOGNISER_RATE = 16000  # Hz, of the speech that the recogniser was trained on
PEAK = 0.6  # of the samples that it receives

Synthesize = Callable[[str], tuple[np.ndarray, int]]
"""A function that returns the samples, (samples,), and the sample rate of a text."""


class Sentence(NamedTuple):
    """A text, and its words as they are spoken."""

    text: str
    spoken: str


def read_sentences(path: Path) -> list[Sentence]:
    """Read one sentence per line; its spoken words follow after a TAB if they differ from the words of the text."""
    rows = (line.split("\t") for line in path.read_text().splitlines() if line.strip())
    return [Sentence(row[0].strip(), words(row[-1])) for row in rows]


def words(text: str) -> str:
    """Return the words of a text in lower case, without punctuation."""
    titles = {"mr": "mister", "mrs": "missus", "dr": "doctor"}
    text = re.sub(r"\b(mr|mrs|dr)\.", lambda match: titles[match[1]], text.lower())
    return " ".join(re.sub(r"[^a-z' ]", " ", text.replace("-", " ")).split())


class Recogniser:
    """Transcribes speech: pocketsphinx with the American English model that it includes."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder = Decoder(samprate=RECOGNISER_RATE, loglevel="FATAL")

    def transcribe(self, samples: np.ndarray, rate: int) -> str:
        """Return the words recognised in ``samples``, (samples,), at ``rate`` Hz.

        Each call has a new front end, so that no earlier sentence affects its estimate of the noise.
        """
        if rate != RECOGNISER_RATE:
            import soxr

            samples = soxr.resample(samples, rate, RECOGNISER_RATE)
        peak = max(1e-9, float(np.abs(samples).max(initial=0)))
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        self._decoder.process_raw((samples / peak * PEAK * 32767).astype("<i2").tobytes(), full_utt=True)
        self._decoder.end_utt()
        best = self._decoder.hyp()
        return words(best.hypstr) if best else ""


def measure(synthesize: Synthesize, sentences: list[Sentence], title: str) -> dict[str, Any]:
    """Synthesize and recognise every sentence, and show progress under ``title``.

    :returns: ``wer`` and ``cer``, the word and character error rates (0 to 1); ``wer_error``, the standard error of the
        word error rate over sentences; ``rtf``, CPU seconds per second of speech; ``seconds`` of speech; ``heard``, the
        recognised words of each sentence.
    """
    import jiwer

    recogniser, heard, cpu, seconds = Recogniser(), [], 0.0, 0.0
    for sentence in tqdm(sentences, desc=title, unit="sentence", file=sys.stderr):
        start = time.process_time()
        samples, rate = synthesize(sentence.text)
        cpu += time.process_time() - start
        seconds += len(samples) / rate
        heard.append(recogniser.transcribe(samples, rate) or "nothing")
    spoken = [sentence.spoken for sentence in sentences]
    return {
        "sentences": len(sentences),
        "seconds": round(seconds, 1),
        "wer": round(jiwer.wer(spoken, heard), 4),
        "wer_error": round(_standard_error(spoken, heard), 4),
        "cer": round(jiwer.cer(spoken, heard), 4),
        "rtf": round(cpu / seconds, 5),
        "heard": heard,
    }


def _standard_error(spoken: list[str], heard: list[str]) -> float:
    """Return the standard error of the word error rate over sentences (that of a ratio estimator)."""
    import jiwer

    counts = np.array([len(words.split()) for words in spoken], float)
    errors = np.array([jiwer.wer(a, b) for a, b in zip(spoken, heard, strict=True)]) * counts
    residuals = errors - counts * errors.sum() / counts.sum()
    return float(np.sqrt((residuals**2).sum() * len(spoken) / max(1, len(spoken) - 1)) / counts.sum())
