"""Event times against the audio, with the default voice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import wave
from pathlib import Path

import numpy as np
import pytest

from voxstack_cli.main import main

pytest.importorskip("voxstack_voice_amber", reason="speaks with amber: pip install voxstack-voice-amber")

TEXT = "Every word has its time. All is well."  # both sentences begin with a vowel, which is loud from its start


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the text as audio, captions and events."""
    folder = tmp_path_factory.mktemp("spoken")
    files = ["--out", f"{folder}/a.wav", "--srt", f"{folder}/a.srt", "--json", f"{folder}/a.json"]
    assert main(["say", TEXT, *files, "--quiet"]) == 0
    return folder


def onsets(path: Path) -> list[float]:
    """Return the seconds at which sound begins after at least 0.2 s that are 20 dB below the loudest 10 ms."""
    with wave.open(str(path)) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    size = rate // 100
    level = np.sqrt(np.convolve(samples**2, np.ones(size) / size, "same"))
    loud = np.flatnonzero(level > 0.1 * level.max()) / rate
    return [float(now) for before, now in zip([-1.0, *loud[:-1]], loud, strict=True) if now - before > 0.2]


def test_each_sentence_begins_where_it_is_heard(folder: Path) -> None:
    output = json.loads((folder / "a.json").read_text("utf-8"))
    words = {event["text"]: event for event in output["events"] if event["kind"] == "word"}
    assert " ".join(words) == "Every word has its time All is well"
    first, second = onsets(folder / "a.wav")
    assert words["Every"]["start"] == pytest.approx(first, abs=0.05)
    assert words["All"]["start"] == pytest.approx(second, abs=0.05)


def test_events_are_in_order_inside_the_sound_and_point_to_the_text(folder: Path) -> None:
    output = json.loads((folder / "a.json").read_text("utf-8"))
    with wave.open(str(folder / "a.wav")) as file:
        assert output["duration"] == pytest.approx(file.getnframes() / file.getframerate(), abs=1e-6)
    words = [event for event in output["events"] if event["kind"] == "word"]
    for kind in {event["kind"] for event in output["events"]}:
        starts = [event["start"] for event in output["events"] if event["kind"] == kind]
        assert starts == sorted(starts)
    ends = [event["start"] + event["duration"] for event in output["events"]]
    assert max(ends) <= output["duration"] + 1e-9, ends  # sums of rounded decimals
    assert min(event["start"] for event in output["events"]) >= 0
    assert [output["text"][slice(*word["span"])] for word in words] == [word["text"] for word in words]


def test_the_default_voice_speaks_while_text_arrives() -> None:
    command = [sys.executable, "-m", "voxstack_cli", "say", "-", "--raw", "--quiet"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=environment
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        too_long = threading.Timer(60, process.kill)  # a test must not wait for what never comes
        too_long.start()
        process.stdin.write(b"Every word has its time. All is ")
        heard = process.stdout.read(1000)
        assert heard, "no sound until the end of the text"
        process.stdin.write(b"well.")
        process.stdin.close()
        while more := process.stdout.read(1 << 16):
            heard += more
        too_long.cancel()
        assert process.wait(20) == 0
    assert len(heard) > 2 * 2 * 16000  # bytes, of more than two seconds


def test_captions_of_ssml_show_its_text(folder: Path) -> None:
    document = '<speak><p>Salt &amp; pepper</p><s>Not <sub alias="world wide web">WWW</sub>!</s></speak>'
    assert main(["say", "--ssml", document, "--vtt", f"{folder}/b.vtt", "--quiet"]) == 0
    blocks = (folder / "b.vtt").read_text("utf-8").strip().split("\n\n")
    assert [block.splitlines()[1:] for block in blocks[1:]] == [["Salt &amp; pepper"], ["Not WWW!"]]


def test_each_sentence_is_a_caption(folder: Path) -> None:
    blocks = (folder / "a.srt").read_text("utf-8").strip().split("\n\n")
    assert [block.splitlines()[2:] for block in blocks] == [["Every word has its time."], ["All is well."]]
