"""KittenTTS 1 voices: marks among phonemes, a style for each length of a text, and a speed of each speaker."""

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
from comparing import error  # noqa: E402
from originals import kitten_voice, kokoro_voice  # noqa: E402
from other_software import speech  # noqa: E402

import voxstack  # noqa: E402
from voxstack import Schedule  # noqa: E402
from voxstack_importers import import_voice  # noqa: E402
from voxstack_importers.kitten.importer import recognizes  # noqa: E402
from voxstack_packager import PackagingError  # noqa: E402

TEXT = "It costs $5.50 (I think), or more; who knows?"
TEXTS = [TEXT, "No.", "Dr. Smith said: \u201cStop!\u201d \u2014 and left\u2026", "A text that ends with no mark at all"]


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    """Import a voice with a style for each length, and one with one style: the files, and the loaded addon."""
    folder = tmp_path_factory.mktemp("kitten")
    found = {}
    for rows in (40, 1):
        files = kitten_voice(folder / f"rows{rows}", rows)
        found[rows] = files, voxstack.load(import_voice("kitten", files, folder / f"out{rows}", progress=str))
    return found


@pytest.mark.parametrize(("package", "rows"), [("kittenml", 40), ("kittentts", 1)])
def test_it_says_what_the_software_of_its_makers_says(voices, tmp_path, package, rows):
    files, voice = voices[rows]
    cases = [
        (text, name, speed) for text in TEXTS for name, speed in (("expr-voice-2-f", 1.0), ("expr-voice-2-m", 1.5))
    ]
    arguments = [package, files / "kitten.onnx", files / "voices.npz"]
    expected = speech("run_kitten.py", [package, "phonemizer"], arguments, cases, tmp_path / "out.npz")
    for (text, name, speed), reference in zip(cases, expected, strict=True):
        speaker = "Bella" if name.endswith("f") else name
        rate = speed / 0.8 if package == "kittentts" and speaker == "Bella" else speed  # it has no speed_priors
        samples = voice.synthesize(text, speaker=speaker, rate=rate).samples
        assert error(samples, reference) < 1e-5, (text, name)


def test_the_style_depends_on_the_number_of_characters(voices):
    _, voice = voices[40]
    network = voice.addon.network("styles")
    rows = [network(speaker_id=np.array(0), characters=np.array(count))["style"] for count in (1, 2, 39, 40, 400)]
    assert not np.array_equal(rows[0], rows[1])
    np.testing.assert_array_equal(rows[2], rows[4])
    np.testing.assert_array_equal(rows[3], rows[4])


@pytest.mark.parametrize("schedule", [Schedule(1, growth=1.0, largest=1), Schedule(7, growth=1.3)], ids=str)
def test_it_is_given_out_as_it_is_asked_for(voices, schedule):
    _, voice = voices[40]
    chunks = [chunk.samples for chunk in voice.stream(TEXT, schedule=schedule)]
    np.testing.assert_array_equal(np.concatenate(chunks), voice.synthesize(TEXT).samples)
    assert len(chunks[0]) == schedule.first * 600


def test_its_noise_is_drawn_from_the_seed(tmp_path):
    """The published graphs may draw noise, as those of Kokoro do."""
    files = kitten_voice(tmp_path / "voice")
    noisy = kokoro_voice(tmp_path)["model"]
    noisy.replace(files / "kitten.onnx")
    (files / "tokens.txt").write_text("".join(f"{letter} {token}\n" for token, letter in enumerate("$;:,.!? abcdefg")))
    out = import_voice("kitten", files, tmp_path / "out", progress=str, phonemes="text", text="abcdefg abc")
    voice = voxstack.load(out)
    one, same, other = (voice.synthesize("bad cafe", seed=seed).samples for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert error(one, other) > 0.001 if one.shape == other.shape else True


def test_a_quantized_model_is_imported(tmp_path):
    """The published ``nano`` model has weights of 8 bits, and operators of ONNX Runtime for them."""
    from onnxruntime.quantization import quantize_dynamic

    files = kitten_voice(tmp_path / "voice")
    quantize_dynamic(files / "kitten.onnx", files / "int8.onnx")
    kinds = {node.op_type for node in onnx.load(files / "int8.onnx").graph.node}
    assert "MatMulInteger" in kinds
    config = json.loads((files / "config.json").read_text())
    (files / "config.json").write_text(json.dumps({**config, "model_file": "int8.onnx"}))
    voice = voxstack.load(import_voice("kitten", files, tmp_path / "out", progress=str))
    assert voice.synthesize(TEXT).samples.size > 10_000


def test_the_files_for_sherpa_onnx_are_read(tmp_path, voices):
    files = kitten_voice(tmp_path / "voice")
    model = onnx.load(files / "kitten.onnx")
    with np.load(files / "voices.npz") as styles:
        names, table = list(styles.files), np.stack([styles[name] for name in styles.files])
    metadata = {"model_type": "kitten-tts", "style_dim": "40,256", "speaker_names": ",".join(names)}
    onnx.helper.set_model_props(model, {**metadata, "speaker_speed_priors": "1.0,0.8", "sample_rate": "24000"})
    onnx.save(model, files / "model.onnx")
    table.tofile(files / "voices.bin")
    for name in ("config.json", "voices.npz", "kitten.onnx"):
        (files / name).unlink()
    assert recognizes(files / "model.onnx")
    voice = voxstack.load(import_voice("kitten", files / "model.onnx", tmp_path / "out", progress=str))
    expected = voices[40][1].synthesize(TEXT, speaker="Bella").samples
    np.testing.assert_array_equal(voice.synthesize(TEXT, speaker="expr-voice-2-f").samples, expected)


def test_it_is_recognised(tmp_path, voices):
    files = voices[40][0]
    assert recognizes(files)
    assert recognizes(files / "kitten.onnx")
    assert not recognizes(kokoro_voice(tmp_path)["model"])
    assert not recognizes(files / "voices.npz")
    assert not recognizes(tmp_path)


@pytest.mark.parametrize(
    ("change", "options", "problem"),
    [
        (lambda files: (files / "voices.npz").unlink(), {}, "voices: there is no file 'voices.npz'"),
        (lambda files: None, {"voices": "none.npz"}, "voices: there is no file 'none.npz'"),
        (lambda files: (files / "voices.npz").write_bytes(b"no"), {}, r"voices\.npz: holds no table of styles"),
        (
            lambda files: np.savez(files / "voices.npz", a=np.zeros((3, 7))),
            {},
            "rejects its tokens, below 175, or styles",
        ),
        (lambda files: (files / "config.json").write_text("{"), {}, r"config\.json: is not JSON"),
        (lambda files: (files / "config.json").write_text('{"type": "KITTEN2"}'), {}, "a model of type 'KITTEN2'"),
        (lambda files: (files / "kitten.onnx").unlink(), {}, r"has no config\.json that names its model_file"),
        (lambda files: None, {"phonemes": "ipa"}, "phonemes: 'ipa' is neither 'espeak' nor 'text'"),
    ],
)
def test_what_is_no_kitten_voice_is_refused(tmp_path, change, options, problem):
    files = kitten_voice(tmp_path / "voice")
    change(files)
    with pytest.raises(PackagingError, match=problem):
        import_voice("kitten", files, tmp_path / "out", progress=str, **options)
    assert not (tmp_path / "out").exists()
