"""Synthesis of sentences, and their measures: the voice here, the measures in processes of their own."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

from voxstack import Speech, Voice, VoxstackError
from voxstack_grade.measurements import Measurements
from voxstack_grade.recognition import Recogniser
from voxstack_grade.sentence_measures import measure
from voxstack_grade.sentences import Sentence

PER_PROCESS = 8
"""Sentences from which another process is worth its start."""

ALARMING = ('"AttentionAlarms"',)
"""Blocks that raise alarms, as stacks name them."""

_recogniser: Recogniser | None = None
"""That of a process which measures."""

Measure = Callable[[Speech, str], "Future[dict[str, Any]]"]


def measure_voice(
    voice: Voice,
    sentences: Sequence[Sentence],
    jobs: int | None = None,
    recognise: bool = True,
    progress: Callable[[], object] = lambda: None,
) -> Measurements:
    """Synthesize sentences one after the other, and measure them.

    :param jobs: processes that measure; by default one for each core.
    :param recognise: whether to recognise their words.
    :param progress: called after each sentence.
    """
    alarms = any(block in json.dumps(voice.addon.config["stack"]) for block in ALARMING)
    wanted = min(jobs or os.cpu_count() or 1, -(-len(sentences) // PER_PROCESS))
    with _measurers(wanted, recognise, alarms) as measures:
        started = [_started(voice, sentence, measures, progress) for sentence in sentences]
        rows = [{**facts, **(future.result() if future else {})} for future, facts in started]
    context = voice.addon.context.name or "default"
    return Measurements(voice.name, voice.addon.config["version"], context, tuple(rows))


def _started(
    voice: Voice, sentence: Sentence, measures: Measure, progress: Callable[[], object]
) -> tuple[Future[dict[str, Any]] | None, Mapping[str, Any]]:
    """Synthesize a sentence, and return its measures to come, and what is known of it."""
    facts = {"text": sentence.text, "spoken": sentence.spoken}
    began = time.perf_counter()
    try:
        speech = voice.synthesize(sentence.text)
        error = "" if len(speech) else "no audio"
    except VoxstackError as failure:
        error = str(failure)
    if error:
        progress()
        return None, {**facts, "error": error}
    seconds = round(time.perf_counter() - began, 4)
    future = measures(speech, sentence.spoken)
    future.add_done_callback(lambda done: progress())
    return future, {**facts, "synthesis_seconds": seconds}


@contextmanager
def _measurers(count: int, recognise: bool, alarms: bool) -> Iterator[Measure]:
    """Yield a function that measures a sentence, in one of ``count`` processes, or here if there is one."""
    if count <= 1:
        recogniser = Recogniser() if recognise else None
        yield lambda speech, spoken: _completed(measure(speech, spoken, recogniser, alarms))
        return
    with ProcessPoolExecutor(count, get_context("spawn"), _prepare, (recognise,)) as pool:
        yield lambda speech, spoken: pool.submit(_measured, speech, spoken, alarms)


def _prepare(recognise: bool) -> None:
    global _recogniser
    _recogniser = Recogniser() if recognise else None


def _measured(speech: Speech, spoken: str, alarms: bool) -> dict[str, Any]:
    return measure(speech, spoken, _recogniser, alarms)


def _completed(found: dict[str, Any]) -> Future[dict[str, Any]]:
    future: Future[dict[str, Any]] = Future()
    future.set_result(found)
    return future
