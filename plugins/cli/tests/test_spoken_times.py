"""What the files tell, against what is heard, with the default voice."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest

from voxstack_cli.main import main

pytest.importorskip("voxstack_voice_amber", reason="speaks with amber: pip install voxstack-voice-amber")

TEXT = "Every word has its time. All is well."  # both sentences begin with a vowel, which is loud from its start


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the text as sound, captions and events."""
    folder = tmp_path_factory.mktemp("spoken")
    assert main(["say", TEXT, "--out", f"{folder}/a.wav", "--srt", f"{folder}/a.srt", "--json", f"{folder}/a.json", "--quiet"]) == 0
    return folder


def onsets(path: Path) -> list[float]:
    """Seconds at which sound begins after at least 0.2 s that are 20 dB below the loudest 10 ms."""
    with wave.open(str(path)) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    size = rate // 100
    level = np.sqrt(np.convolve(samples**2, np.ones(size) / size, "same"))
    loud = np.flatnonzero(level > 0.1 * level.max()) / rate
    return [float(now) for before, now in zip([-1.0, *loud[:-1]], loud, strict=True) if now - before > 0.2]


def test_each_sentence_begins_where_it_is_heard(folder: Path) -> None:
    told = json.loads((folder / "a.json").read_text("utf-8"))
    words = {event["text"]: event for event in told["events"] if event["kind"] == "word"}
    assert " ".join(words) == "Every word has its time All is well"
    first, second = onsets(folder / "a.wav")
    assert words["Every"]["start"] == pytest.approx(first, abs=0.05)
    assert words["All"]["start"] == pytest.approx(second, abs=0.05)


def test_events_are_in_order_inside_the_sound_and_point_to_the_text(folder: Path) -> None:
    told = json.loads((folder / "a.json").read_text("utf-8"))
    with wave.open(str(folder / "a.wav")) as file:
        assert told["duration"] == pytest.approx(file.getnframes() / file.getframerate(), abs=1e-6)
    words = [event for event in told["events"] if event["kind"] == "word"]
    assert [event["start"] for event in told["events"]] == sorted(event["start"] for event in told["events"])
    assert all(0 <= event["start"] <= event["start"] + event["duration"] <= told["duration"] for event in told["events"])
    assert [told["text"][slice(*word["span"])] for word in words] == [word["text"] for word in words]


def test_each_sentence_is_a_caption(folder: Path) -> None:
    blocks = (folder / "a.srt").read_text("utf-8").strip().split("\n\n")
    assert [block.splitlines()[2:] for block in blocks] == [["Every word has its time."], ["All is well."]]
