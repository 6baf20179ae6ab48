"""The words that a speech recogniser understands of a voice, computed in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

TRAINING = Path(__file__).parents[2] / "plugins" / "voice_amber" / "training"


def recognise(name: str) -> dict[str, Any]:
    """Synthesize and recognise ten held-out sentences and ten with numbers, names and questions, from plain text.

    :param name: name of an installed voice.
    :returns: the results of ``recognition.measure``, the ``texts``, and the ``alarms`` of the voice.
    """
    sys.path.insert(0, str(TRAINING))
    import evaluate
    import recognition

    import voxstack

    held_out, further = (recognition.read_sentences(path) for path in (recognition.HELD_OUT, recognition.FURTHER))
    sentences = [*held_out[::4], *further[2::10]]
    alarms: list[str] = []
    result = recognition.measure(evaluate.voice_synthesizer(voxstack.load(name), alarms), sentences, name)
    return {**result, "texts": [sentence.text for sentence in sentences], "alarms": alarms}
