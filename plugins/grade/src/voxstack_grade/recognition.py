"""Speech recognition: the words that a recogniser hears, and how many of them are wrong."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from voxstack_grade.sentences import words

RATE = 16_000
"""Sample rate in Hz of the speech that the recogniser was trained on."""

PEAK = 0.6
"""Largest magnitude of the samples that it receives."""


class Heard(NamedTuple):
    """The words that were recognised, and the errors among the spoken ones."""

    text: str
    errors: int
    words: int


class Recogniser:
    """Transcribes speech: pocketsphinx with the American English model that it includes."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder = Decoder(samprate=RATE, loglevel="FATAL")

    def hear(self, samples: np.ndarray, spoken: str) -> Heard:
        """Recognise speech, (samples,) at :data:`RATE`, and compare it with its spoken words.

        Each call has a new front end, so that no earlier sentence affects its estimate of the noise.
        """
        import jiwer

        peak = max(1e-9, float(np.abs(samples).max(initial=0)))
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        self._decoder.process_raw((samples / peak * PEAK * 32767).astype("<i2").tobytes(), full_utt=True)
        self._decoder.end_utt()
        best = self._decoder.hyp()
        found = words(best.hypstr) if best else ""
        count = len(spoken.split())
        if not found:
            return Heard("", count, count)
        result = jiwer.process_words(spoken, found)
        return Heard(found, result.substitutions + result.deletions + result.insertions, count)
