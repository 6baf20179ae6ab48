"""The default voice can be understood: a speech recogniser writes down what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

import voxstack

TRAINING = Path(__file__).parent.parent / "plugins" / "voice_amber" / "training"


def test_a_recogniser_understands_the_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every second held-out sentence, from plain text through the whole chain; one word in six may be misheard."""
    monkeypatch.syspath_prepend(str(TRAINING))
    evaluate = __import__("evaluate")
    sentences = evaluate.HELD_OUT.read_text().splitlines()[::2]
    result = evaluate.measure(evaluate.by_voice(voxstack.load("amber")), sentences, "amber")
    assert result["sentences"] == 20
    assert result["wer"] <= 1 / 6, list(zip(sentences, result["heard"], strict=True))
