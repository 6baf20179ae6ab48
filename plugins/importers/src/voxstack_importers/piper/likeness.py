"""Ends of sentences and loudness as in Piper's own software."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from voxstack_importers.description import Spec, sentence_stack
from voxstack_packager import PackagingError

LIKE = ("voxstack", "piper")
LOUDNESS = ("none", "sentence", "steady")
CEILING_DB = -0.1
"""Level that peaks of a steady loudness do not exceed, dB of full scale."""

SAMPLES = (
    "The old bridge across the river was closed for repairs.",
    "Please leave your muddy boots outside the kitchen door!",
    "What would you have done, if the door had been open?",
    "She bought three pounds of apples, a cup of tea, and two books.",
    "Yes.",
)
"""Sentences whose peaks determine a steady loudness."""

_UNLIMITED = 100_000
"""The limit of characters of a sentence, for one that is not cut."""


def choose(options: dict[str, str]) -> tuple[str, str]:
    """Take the options ``like`` and ``loudness`` out of the options, and return them.

    :raises PackagingError: for one that does not exist.
    """
    like = options.pop("like", LIKE[0])
    loudness = options.pop("loudness", "sentence" if like == "piper" else "none")
    for name, value, known in (("like", like, LIKE), ("loudness", loudness, LOUDNESS)):
        if value not in known:
            raise PackagingError(f"--{name}", f"{value!r} is unknown; choose from {', '.join(known)}")
    return like, loudness


def piper_stack(
    language: str,
    espeak_voice: str | None,
    blocks: Sequence[Spec],
    streamed: Sequence[Spec],
    *,
    like: str,
    loudness: str,
    sample_rate: int,
    peaks: Callable[[], np.ndarray],
) -> list[Spec]:
    """Return the stack of a voice.

    :param espeak_voice: the voice of espeak-ng that reads for it; None if it reads letters.
    :param like: whose ends of sentences it has, one of :data:`LIKE`.
    :param loudness: one of :data:`LOUDNESS`: as the voice is; each sentence scaled to the full range, as Piper scales
        it, which waits for its end; or raised by the same factor throughout, and limited.
    :param peaks: returns the highest absolute value of each sentence of :data:`SAMPLES`.
    """
    fields: dict[str, Any] = {}
    if like == "piper":
        fields = {"first": _UNLIMITED, "longest": _UNLIMITED, "reads_markup": False}
        if espeak_voice is not None:
            fields["ends"] = {"type": "EspeakSentenceEnds", "voice": espeak_voice}
    stack = sentence_stack(language, blocks, streamed, **fields)
    if loudness == "sentence":
        stack[0] = {**stack[0], "block": {"type": "NormalizePeak", "block": stack[0]["block"]}}
    elif loudness == "steady":
        gain = -20 * math.log10(float(np.median(peaks()))) + CEILING_DB
        stack += [{"type": "Gain", "db": round(gain, 2)}]
        stack += [{"type": "Limiter", "sample_rate": sample_rate, "ceiling_db": CEILING_DB}]
    return stack
