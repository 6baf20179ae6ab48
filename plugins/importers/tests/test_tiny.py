"""tiny-tts voices: four graphs, some of whose inputs never change, and a dictionary in syllables."""

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
from originals import supertonic_voice, tiny_voice  # noqa: E402
from other_software import speech  # noqa: E402

import voxstack  # noqa: E402
from voxstack_dsp.noise import Noise  # noqa: E402
from voxstack_importers import import_voice  # noqa: E402
from voxstack_importers.tiny.importer import recognizes  # noqa: E402
from voxstack_packager import PackagingError  # noqa: E402

TEXT = "Hello world, don't view a world!"


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Import a voice: the folder of the original, and the loaded addon."""
    folder = tmp_path_factory.mktemp("tiny")
    files = tiny_voice(folder / "voice")
    return files, voxstack.load(import_voice("tiny", files, folder / "out", progress=str))


def test_it_says_what_the_software_of_its_makers_says(imported, tmp_path):
    files, voice = imported
    np.save(tmp_path / "noise.npy", Noise("noise", "n", 8)({"n": np.array(2000), "seed": 3})["noise"])
    cases = [(text, speed) for text in (TEXT, "View; a hello?", "t") for speed in (1.0, 1.5)]
    packages = ["tiny_tts", "transformers", "torch", "soundfile", "inflect"]
    expected = speech("run_tiny.py", packages, [files, tmp_path / "noise.npy"], cases, tmp_path / "out.npz")
    for (text, speed), reference in zip(cases, expected, strict=True):
        assert error(voice.synthesize(text, rate=speed, seed=3).samples, reference) < 2e-5, text


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_it_says_the_same_for_every_schedule(imported, schedule):
    voice = imported[1]
    chunks = [chunk.samples for chunk in voice.stream(TEXT, schedule=schedule)]
    assert error(np.concatenate(chunks), voice.synthesize(TEXT).samples) < 1e-5
    assert len(chunks) > 3 or schedule.first > 63


def test_what_never_changes_is_no_input(imported):
    networks = imported[1].addon.config["networks"]
    inputs = {name: sorted(network["inputs"]) for name, network in networks.items()}
    assert inputs["text"] == ["tokens", "tones"]
    assert inputs["durations"] == ["hidden", "rate", "speaker_embedding"]
    assert networks["decoder"]["streaming"]["hop"] == 512


def test_seeds_change_the_noise_and_words_have_times(imported):
    voice = imported[1]
    one, same, other = (voice.synthesize(TEXT, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.samples, same.samples)
    assert error(one.samples, other.samples) > 0.01
    words = [event.text for event in one.events if event.kind == "word"]
    assert words == ["Hello", "world", "don", "t", "view", "a", "world"]


def test_the_dictionary_is_in_the_addon_with_tones(imported):
    lines = imported[1].addon.files.read("lexicon.txt").decode().splitlines()
    assert lines[:2] == ["hello hh ah l ow 7 8 7 9", "world w er l d 7 9 7 7"]
    assert not any("don't" in line for line in lines), "as a text is split at apostrophes, this would not be found"


def test_it_is_recognised(imported, tmp_path):
    assert recognizes(imported[0])
    assert not recognizes(supertonic_voice(tmp_path / "voice") / "onnx")
    assert not recognizes(imported[0] / "flow.onnx")


@pytest.mark.parametrize(
    ("change", "options", "problem"),
    [
        (lambda files: (files / "flow.onnx").unlink(), {}, r"voice: lacks \['flow\.onnx'\]; give the folder"),
        (lambda files: None, {"lexicon": "none.rep"}, r"lexicon: there is no 'none\.rep'"),
        (lambda files: (files / "cmudict.rep").write_text("a b\n"), {}, r"cmudict\.rep: has no line with a word"),
        (
            lambda files: (files / "other.txt").write_text("a b\n"),
            {"lexicon": "other.txt"},
            "1 of 1 lines, such as 'a',",
        ),
        (
            lambda files: (files / "flow.onnx").write_bytes((files / "decoder.onnx").read_bytes()),
            {},
            r"flow\.onnx: takes \['g', 'z'\] and gives 1 tensors; the flow of a tiny-tts voice takes",
        ),
    ],
)
def test_what_is_no_tiny_voice_is_refused(tmp_path, change, options, problem):
    files = tiny_voice(tmp_path / "voice")
    change(files)
    options = {name: str(files / value) if (files / value).exists() else value for name, value in options.items()}
    with pytest.raises(PackagingError, match=problem):
        import_voice("tiny", files, tmp_path / "out", progress=str, **options)
    assert not (tmp_path / "out").exists()
