"""Speaks, and measures it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack import RequestError, Voice


def stream(voice: Voice, text: str, controls: Mapping[str, Any], whole: bool) -> tuple[float, np.ndarray]:
    """Return the seconds to the first audio, and the samples: all of them, or those until there is some.

    :raises RequestError: if there is nothing to pronounce.
    """
    samples, first = [], None
    start = time.perf_counter()
    chunks = voice.stream(text, **controls)
    for chunk in chunks:
        if len(chunk.samples) and first is None:
            first = time.perf_counter() - start
        samples.append(chunk.samples)
        if first is not None and not whole:
            break
    chunks.close()  # type: ignore[attr-defined]  # it is a generator
    if first is None:
        raise RequestError(f"{voice.name} finds nothing to pronounce in {text!r}; give it other words")
    return first, np.concatenate(samples)


def synthesize(voice: Voice, text: str, controls: Mapping[str, Any]) -> tuple[dict[str, float], np.ndarray]:
    """Return wall-clock and CPU seconds that a second of audio took, ``rtf`` and ``cpu``, how many there are, and the samples."""
    wall, cpu = time.perf_counter(), time.process_time()
    speech = voice.synthesize(text, **controls)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"rtf": wall / speech.duration, "cpu": cpu / speech.duration, "audio_s": speech.duration}, speech.samples
