"""Timed synthesis: first audio of a stream, and throughput of a whole text."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from voxstack import Voice


def time_stream(voice: Voice, text: str, controls: Mapping[str, Any], whole: bool) -> tuple[float, np.ndarray]:
    """Return the seconds to the first audio of a live stream, and the samples that were read.

    :param whole: read the stream to its end; otherwise only up to the first audio.
    :raises RequestError: if the voice finds nothing to pronounce.
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
    if isinstance(chunks, Generator):
        chunks.close()
    assert first is not None, "a stream without audio is an error"
    return first, np.concatenate(samples)


def time_synthesis(voice: Voice, text: str, controls: Mapping[str, Any]) -> tuple[dict[str, float], np.ndarray]:
    """Synthesize a whole text as fast as possible; return figures and the samples.

    :returns: as figures ``rtf`` and ``cpu``, seconds of wall-clock and of CPU time per second of audio, and
        ``audio_s``, seconds of audio.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    speech = voice.synthesize(text, **controls)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"rtf": wall / speech.duration, "cpu": cpu / speech.duration, "audio_s": speech.duration}, speech.samples
