# ruff: noqa: RUF001 -- typographic marks are the subject here
"""Supertonic voices: a flow that is run step by step, on as many latents as a predictor says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

REASON = "importing needs onnx and onnxruntime: pip install voxstack-importers"
onnx = pytest.importorskip("onnx", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

sys.path.insert(0, str(Path(__file__).parent / "support"))
from comparing import SCHEDULES, error  # noqa: E402
from originals import kokoro_voice, supertonic_voice  # noqa: E402
from other_software import speech  # noqa: E402

import voxstack  # noqa: E402
from voxstack import RequestError  # noqa: E402
from voxstack_dsp.noise import Noise  # noqa: E402
from voxstack_importers import import_voice  # noqa: E402
from voxstack_importers.supertonic.importer import recognizes  # noqa: E402
from voxstack_packager import PackagingError  # noqa: E402

TEXT = "Hello there, all of it is this: a text!"
TEXTS = [
    (TEXT, {}),
    ("We’re “here”  — at a@b , it's  café/bar", {"steps": 3, "speaker": "M1"}),
    ("I ♥ it 😀 ''so'' much", {"rate": 1.5}),
]
NAMES = ("multilingual", "english")


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    """Import a voice with tags of languages, and one without: its files, and the loaded addon."""
    folder = tmp_path_factory.mktemp("supertonic")
    found = {}
    for name, split in zip(NAMES, ("opensource-multilingual", "opensource-en"), strict=True):
        files = supertonic_voice(folder / name, split)
        language = {"language": "de"} if name == "multilingual" else {}
        addon = import_voice("supertonic", files, folder / f"{name}-out", progress=str, **language)
        found[name] = files, voxstack.load(addon)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_the_software_of_its_makers_says(voices, tmp_path, name):
    files, voice = voices[name]
    np.save(tmp_path / "noise.npy", Noise("noisy_latent", "n", 24)({"n": np.array(400), "seed": 7})["noisy_latent"])
    language = "de" if name == "multilingual" else None
    cases = [
        (text, chosen.get("speaker", "F1"), chosen.get("steps", 8), chosen.get("rate", 1.05), language)
        for text, chosen in TEXTS
    ]
    arguments = [files, tmp_path / "noise.npy"]
    expected = speech("run_supertonic.py", ["supertonic"], arguments, cases, tmp_path / "out.npz")
    for (text, chosen), reference in zip(TEXTS, expected, strict=True):
        assert error(voice.synthesize(text, seed=7, **chosen).samples, reference) < 1e-5, text


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_it_says_the_same_for_every_schedule(voices, schedule):
    voice = voices["multilingual"][1]
    chunks = [chunk.samples for chunk in voice.stream(TEXT, schedule=schedule)]
    assert error(np.concatenate(chunks), voice.synthesize(TEXT).samples) < 1e-5
    assert len(chunks) > 2 or schedule.first > 63


def test_what_streams_is_measured(voices):
    networks = voices["multilingual"][1].addon.config["networks"]
    assert networks["vocoder"]["streaming"] == {"axis": "frames", "left": 9, "right": 0, "hop": 3072}
    assert networks["flow"]["measured"]["mask_error"] == {"steps": 0.0, "tokens": 0.0}
    assert [name for name, network in networks.items() if "streaming" in network] == ["vocoder"]


def test_seeds_and_steps_change_what_is_said(voices):
    voice = voices["multilingual"][1]
    one, same, other = (voice.synthesize(TEXT, seed=seed).samples for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert error(one, other) > 0.01
    assert error(voice.synthesize(TEXT, seed=1, steps=30).samples, one) > 0.001
    with pytest.raises(RequestError, match="steps"):
        voice.synthesize(TEXT, steps=101)


def test_texts_have_the_tag_of_their_language(voices, tmp_path):
    def before(voice):
        blocks = voice.addon.config["stack"][0]["block"]["sequence_block"]["blocks"]
        return blocks[0].get("before")

    assert [before(voice) for _, voice in voices.values()] == ["<de>", None]
    files = voices["multilingual"][0]
    voice = voxstack.load(import_voice("supertonic", files / "onnx", tmp_path / "out", progress=str, name="v"))
    assert before(voice) == "<na>"
    assert voice.addon.config["languages"] == ["mul"]


def test_check_passes_in_fixed_sizes(voices):
    from voxstack_bench import check

    fixed = {"runtime": "onnx", "shapes": {"tokens": [128], "steps": [128]}}
    report = check(voices["multilingual"][1].addon.files.location, contexts=[fixed], progress=lambda line: None)
    assert report.passed


def test_it_is_recognised(voices, tmp_path):
    files = voices["english"][0]
    assert recognizes(files)
    assert recognizes(files / "onnx")
    assert not recognizes(files / "voice_styles")
    assert not recognizes(kokoro_voice(tmp_path)["model"])


def changed(file, **entries):
    file.write_text(json.dumps({**json.loads(file.read_text()), **entries}))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda files: (files / "onnx/vocoder.onnx").unlink(), r"voice: lacks \['vocoder\.onnx'\]; give the folder"),
        (
            lambda files: (files / "onnx/tts.json").write_text("{}"),
            r"tts\.json: is not the configuration of a Supertonic",
        ),
        (lambda files: (files / "onnx/tts.json").write_text("{"), r"tts\.json: is not JSON"),
        (
            lambda files: (files / "onnx/unicode_indexer.json").write_text("[-1]"),
            r"unicode_indexer\.json: has no character",
        ),
        (lambda files: (files / "onnx/unicode_indexer.json").write_text("{}"), r"unicode_indexer\.json: is not a list"),
        (lambda files: (files / "voice_styles").rename(files / "gone"), "styles: there is no style in"),
        (lambda files: changed(files / "voice_styles/M1.json", style_dp={}), r"M1\.json: has no 'style_dp' of dims"),
        (
            lambda files: changed(files / "voice_styles/M1.json", style_dp={"dims": [1, 1, 2], "data": [1, 2]}),
            r"M1\.json: has 'style_dp' of \(1, 2\), and F1\.json of \(4, 8\)",
        ),
        (
            lambda files: (files / "onnx/vocoder.onnx").write_bytes((files / "onnx/text_encoder.onnx").read_bytes()),
            r"vocoder\.onnx: takes \['style_ttl', 'text_ids', 'text_mask'\]; the vocoder of a Supertonic voice takes",
        ),
        (
            lambda files: changed(files / "onnx/tts.json", ttl={"latent_dim": 5, "chunk_compress_factor": 6}),
            "onnx: does not fit the configuration and the styles",
        ),
    ],
)
def test_what_is_no_supertonic_voice_is_refused(tmp_path, change, problem):
    files = supertonic_voice(tmp_path / "voice")
    change(files)
    with pytest.raises(PackagingError, match=problem):
        import_voice("supertonic", files, tmp_path / "out", progress=str)
    assert not (tmp_path / "out").exists()
