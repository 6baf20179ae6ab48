"""The voices can be understood: a speech recogniser transcribes them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest
from intelligibility import recognise

VOICES = ["amber", "cobalt"]


@pytest.fixture(scope="module")
def recognised() -> Iterator[dict[str, Future[dict[str, Any]]]]:
    """Start a process for each voice, as recognition takes most of the time; yield the results to come, by voice."""
    with ProcessPoolExecutor(len(VOICES), get_context("spawn")) as pool:
        yield {name: pool.submit(recognise, name) for name in VOICES}


@pytest.mark.parametrize("name", VOICES)
def test_a_recogniser_understands_the_voice(recognised: dict[str, Future[dict[str, Any]]], name: str) -> None:
    """One word in six may be misheard."""
    result = recognised[name].result()
    assert result["sentences"] == 20
    assert result["wer"] <= 1 / 6, list(zip(result["texts"], result["heard"], strict=True))
    assert result["alarms"] == []
