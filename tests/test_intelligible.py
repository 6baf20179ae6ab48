"""The voices can be understood: a speech recogniser transcribes them."""

from __future__ import annotations

from pathlib import Path

import pytest

import voxstack

TRAINING = Path(__file__).parent.parent / "plugins" / "voice_amber" / "training"


@pytest.mark.parametrize("name", ["amber", "cobalt"])
def test_a_recogniser_understands_the_voice(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Of ten held-out sentences and ten with numbers, names and questions, one word in six may be misheard."""
    monkeypatch.syspath_prepend(str(TRAINING))
    evaluate, recognition = __import__("evaluate"), __import__("recognition")
    held_out, further = (recognition.read_sentences(path) for path in (recognition.HELD_OUT, recognition.FURTHER))
    sentences = [*held_out[::4], *further[2::10]]
    alarms: list[str] = []
    result = recognition.measure(evaluate.voice_synthesizer(voxstack.load(name), alarms), sentences, name)
    assert result["sentences"] == 20
    assert result["wer"] <= 1 / 6, list(zip(sentences, result["heard"], strict=True))
    assert alarms == []
