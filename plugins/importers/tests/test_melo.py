# ruff: noqa: RUF001 -- Chinese text and marks are the subject here
"""MeloTTS voices: tones, a dictionary, and a flow that attends to all frames of a sentence, or does not."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

REASON = "importing needs onnx and onnxruntime: pip install voxstack-importers"
onnx = pytest.importorskip("onnx", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

sys.path.insert(0, str(Path(__file__).parent / "support"))
from comparing import SCHEDULES, error  # noqa: E402
from originals import melo_voice, piper_voice  # noqa: E402
from other_software import speech  # noqa: E402

import voxstack  # noqa: E402
from voxstack_importers import import_voice  # noqa: E402
from voxstack_importers.melo.importer import recognizes  # noqa: E402
from voxstack_packager import PackagingError  # noqa: E402

TEXT = "Hello world this is 你好世."
NAMES = ("one", "five")


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    """Import both voices: the folder of the original, and the loaded addon."""
    folder = tmp_path_factory.mktemp("melo")
    found = {}
    for name in NAMES:
        model = melo_voice(folder / name, name)
        found[name] = folder / name, voxstack.load(import_voice("melo", model, folder / f"{name}-out", progress=str))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_sherpa_onnx_says(voices, tmp_path, name):
    folder, voice = voices[name]
    cases = [(text, 3, speed) for text in (TEXT, "hello tt!", "你 好hello？") for speed in (1.0, 1.5)]
    expected = speech("run_sherpa.py", ["sherpa_onnx"], ["vits", folder], cases, tmp_path / "out.npz")
    for (text, speaker, speed), reference in zip(cases, expected, strict=True):
        chosen = {"speaker": str(speaker)} if name == "five" else {}
        samples = voice.synthesize(text, rate=speed, noise_scale=0.0, **chosen).samples
        assert error(samples, reference) < 2e-5, (text, speed)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_it_says_the_same_for_every_schedule(voices, name, schedule):
    voice = voices[name][1]
    chunks = [chunk.samples for chunk in voice.stream(TEXT, schedule=schedule)]
    assert error(np.concatenate(chunks), voice.synthesize(TEXT).samples) < 1e-5
    assert len(chunks) > 3 or schedule.first > 63


def test_what_streams_is_measured(voices):
    networks = {name: voice.addon.config["networks"] for name, (_, voice) in voices.items()}
    assert "streaming" not in networks["one"]["flow"]
    assert networks["five"]["flow"]["streaming"]["axis"] == "frames"
    for name in NAMES:
        assert networks[name]["decoder"]["streaming"]["hop"] == 512
        assert networks[name]["text"]["measured"]["mask_error"] == {"tokens": 0.0}


@pytest.mark.parametrize("name", NAMES)
def test_seeds_change_the_noise_and_words_have_times(voices, name):
    voice = voices[name][1]
    one, same, other = (voice.synthesize(TEXT, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.samples, same.samples)
    assert error(one.samples, other.samples) > 0.01
    words = [event for event in one.events if event.kind == "word"]
    assert [TEXT[slice(*word.span)] for word in words] == ["Hello", "world", "this", "is", "你好", "世"]
    starts = [word.start for word in words]
    assert starts == sorted(starts)
    assert words[-1].start + words[-1].duration < one.samples.size / 44100


def test_the_durations_that_have_no_effect_are_not_computed(voices):
    """The exported graphs contain two predictors of durations, and multiply the result of one by 0."""
    folder, voice = voices["one"]
    assert "noise_w" not in voice.addon.config["controls"]
    assert "duration_noise" not in voice.addon.config["networks"]["text"]["inputs"]
    kept = onnx.load(voice.addon.files.path("text.onnx")).graph.node
    assert not any("/sdp/" in node.name for node in kept)
    assert any("/sdp/" in node.name for node in onnx.load(folder / "model.onnx").graph.node)


def test_english_voices_have_a_v_of_their_own(voices):
    """MeloTTS reads the ``v`` of its English dictionary as ``V``, as ``v`` is a vowel of Chinese."""
    blocks = {
        name: voice.addon.config["stack"][0]["block"]["sequence_block"]["blocks"] for name, (_, voice) in voices.items()
    }
    symbols = {name: next(b for b in found if b["type"] == "Lexicon")["symbols"] for name, found in blocks.items()}
    assert symbols["five"]["v"] == symbols["five"]["V"]
    assert symbols["one"]["v"] != symbols["one"]["V"]


def test_it_is_recognised(voices, tmp_path):
    assert recognizes(voices["one"][0] / "model.onnx")
    assert not recognizes(piper_voice(tmp_path, "one"))
    assert not recognizes(voices["one"][0])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda folder: (folder / "lexicon.txt").unlink(), r"lexicon\.txt: does not exist; it defines how words"),
        (lambda folder: (folder / "tokens.txt").unlink(), r"tokens\.txt: does not exist"),
        (
            lambda folder: (folder / "lexicon.txt").write_text("hello hh ah\n" * 9),
            "9 of 9 lines, such as 'hello', are not",
        ),
        (lambda folder: (folder / "lexicon.txt").write_text(""), "0 of 0 lines are not"),
        (
            lambda folder: piper_voice(folder, "one").replace(folder / "model.onnx"),
            r"takes \['input', .*; a MeloTTS voice",
        ),
        (lambda folder: strip(folder / "model.onnx"), r"has no \['sample_rate', 'n_speakers', 'language'\] in its"),
    ],
)
def test_what_is_no_melo_voice_is_refused(tmp_path, change, problem):
    model = melo_voice(tmp_path / "voice", "one")
    change(tmp_path / "voice")
    with pytest.raises(PackagingError, match=problem):
        import_voice("melo", model, tmp_path / "out", progress=str)
    assert not (tmp_path / "out").exists()


def strip(path):
    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.save(model, path)
