"""The default voice can be understood: a speech recogniser writes down what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

import voxstack

TRAINING = Path(__file__).parent.parent / "plugins" / "voice_amber" / "training"


def test_a_recogniser_understands_the_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten held-out sentences and ten with numbers, names and questions, from plain text; one word in six may be misheard."""
    monkeypatch.syspath_prepend(str(TRAINING))
    evaluate, hearing = __import__("evaluate"), __import__("hearing")
    spoken = [*hearing.sentences(hearing.HELD_OUT)[::4], *hearing.sentences(hearing.FURTHER)[2::10]]
    result = hearing.measure(evaluate.by_voice(voxstack.load("amber")), spoken, "amber")
    assert result["sentences"] == 20
    assert result["wer"] <= 1 / 6, list(zip(spoken, result["heard"], strict=True))
