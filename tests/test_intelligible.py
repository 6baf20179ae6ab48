"""The voices can be understood: a speech recogniser writes down what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

import voxstack

TRAINING = Path(__file__).parent.parent / "plugins" / "voice_amber" / "training"


@pytest.mark.parametrize("name", ["amber", "cobalt"])
def test_a_recogniser_understands_the_voice(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Ten held-out sentences and ten with numbers, names and questions, from plain text; one word in six may be misheard."""
    monkeypatch.syspath_prepend(str(TRAINING))
    evaluate, hearing = __import__("evaluate"), __import__("hearing")
    spoken = [*hearing.sentences(hearing.HELD_OUT)[::4], *hearing.sentences(hearing.FURTHER)[2::10]]
    alarms: list[str] = []
    result = hearing.measure(evaluate.by_voice(voxstack.load(name), alarms), spoken, name)
    assert result["sentences"] == 20
    assert result["wer"] <= 1 / 6, list(zip(spoken, result["heard"], strict=True))
    assert alarms == []
