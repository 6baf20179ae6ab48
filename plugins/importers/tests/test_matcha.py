# ruff: noqa: RUF001 -- Chinese marks are the subject here
"""Matcha-TTS voices for sherpa-onnx: a whole sentence at once, and a vocoder that streams."""

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
from originals import SYMBOLS, matcha_speakers, matcha_voice, run_matcha, run_vocoder  # noqa: E402
from other_software import speech  # noqa: E402

import voxstack  # noqa: E402
from voxstack import Schedule  # noqa: E402
from voxstack_cli.main import main  # noqa: E402
from voxstack_importers import import_voice  # noqa: E402
from voxstack_importers.matcha.importer import recognizes  # noqa: E402
from voxstack_packager import PackagingError  # noqa: E402

TEXT = "this is what they say, is it?"
VOCODERS = ("hifigan", "vocos")


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Import with each vocoder: the acoustic model, the vocoder and the addon, by the name of the vocoder."""
    voices = {}
    for vocoder in VOCODERS:
        folder = tmp_path_factory.mktemp(vocoder)
        acoustic, path = matcha_voice(folder, vocoder)
        addon = import_voice("matcha", acoustic, folder / vocoder, progress=str, vocoder=str(path))
        voices[vocoder] = acoustic, path, addon
    return voices


@pytest.fixture(scope="module")
def voices(imported):
    return {name: voxstack.load(addon) for name, (_, _, addon) in imported.items()}


def tokens_of(text):
    """Return tokens as sherpa-onnx computes them: with both ends, and blanks around all."""
    ids = [*SYMBOLS["^"], *(SYMBOLS[letter][0] for letter in text), *SYMBOLS["$"]]
    return np.array([0, *(item for token in ids for item in (token, 0))])


def expected(acoustic, vocoder, voice, **controls):
    utterance = voice.request(TEXT, **controls)
    tokens = tokens_of(TEXT)
    block = {"type": "Noise", "name": "noise", "like": "tokens", "features": 32 * 20}
    noise = voxstack.build(block)({**utterance, "tokens": tokens})["noise"].reshape(-1, 20)
    mel = run_matcha(acoustic, tokens, utterance["noise_scale"], utterance["rate"], noise)
    outputs = run_vocoder(vocoder, mel)
    if len(outputs) == 1:
        return outputs[0].reshape(-1)
    torch = pytest.importorskip("torch", reason="compares with torch.istft: pip install torch")
    magnitudes, cosines, sines = map(torch.from_numpy, outputs)
    spectra = torch.complex(magnitudes * cosines, magnitudes * sines)
    return torch.istft(spectra, 64, 16, window=torch.hann_window(64), center=True)[0].numpy()


@pytest.mark.parametrize("name", VOCODERS)
@pytest.mark.parametrize(
    "controls", [{}, {"seed": 4, "rate": 2.0}, {"noise_scale": 0.0}, {"rate": 0.5, "noise_scale": 1.0}], ids=str
)
def test_it_says_what_the_original_says(imported, voices, name, controls):
    acoustic, vocoder, _ = imported[name]
    samples = voices[name].synthesize(TEXT, **controls).samples
    # its convolutions run in other kernels than those of the original, one after the other in two networks
    assert error(samples, expected(acoustic, vocoder, voices[name], **controls)) < 3e-5


@pytest.mark.parametrize("name", VOCODERS)
@pytest.mark.parametrize(
    "schedule", [Schedule(first=1, growth=1.0, largest=1), Schedule(first=7, growth=1.3), Schedule(first=5000)], ids=str
)
def test_it_says_the_same_for_every_schedule(voices, name, schedule):
    chunks = [chunk.samples for chunk in voices[name].stream(TEXT, schedule=schedule)]
    assert error(np.concatenate(chunks), voices[name].synthesize(TEXT).samples) < 1e-5
    assert len(chunks) > 3 or schedule.first == 5000


def test_the_vocoder_streams_and_the_acoustic_model_does_not(voices):
    fields = {name: voice.addon.config["networks"]["vocoder"]["streaming"] for name, voice in voices.items()}
    assert fields["hifigan"] == {"axis": "frames", "left": 9, "right": 9, "hop": 256}
    assert fields["vocos"] == {"axis": "frames", "left": 12, "right": 12, "hop": 1}
    for voice in voices.values():
        assert voice.addon.networks["vocoder"].stateful is not None
        acoustic = voice.addon.config["networks"]["acoustic"]
        assert "streaming" not in acoustic
        assert acoustic["measured"]["deterministic"]
        assert acoustic["measured"]["original_error"] < 1e-6


def test_seeds_change_what_is_said(voices):
    one, two = (voices["hifigan"].synthesize(TEXT, seed=seed).samples for seed in (0, 1))
    assert error(one, two) > 0.01
    events = voices["hifigan"].synthesize(TEXT).events
    assert [event.text for event in events if event.kind == "sentence"] == [TEXT]


def test_check_passes(imported):
    from voxstack_bench import check

    report = check(imported["vocos"][2], contexts=["onnx:cpu"], progress=lambda line: None)
    assert report.passed
    assert {"acoustic", "vocoder", "speech"} <= {row.subject for found in report.contexts for row in found.rows}


def test_the_shell_imports_and_wants_a_vocoder(tmp_path, capsys):
    acoustic, vocoder = matcha_voice(tmp_path, "hifigan")
    assert main(["import", "matcha", str(acoustic), "--out", str(tmp_path / "lyra")]) == 1
    assert "error: vocoder: there is no file ''; give the .onnx" in capsys.readouterr().err
    options = ["--vocoder", str(vocoder), "--name", "lyra"]
    assert main(["import", "matcha", str(acoustic), "--out", str(tmp_path / "lyra"), *options]) == 0
    config = json.loads((tmp_path / "lyra" / "addon.json").read_text())
    assert (config["sample_rate"], config["hop_length"], config["name"]) == (22050, 256, "lyra")


@pytest.fixture(scope="module")
def speakers(tmp_path_factory):
    """Import a voice with several speakers and a dictionary: its acoustic model, and the loaded addon."""
    folder = tmp_path_factory.mktemp("speakers")
    model = matcha_speakers(folder / "voice")
    options = {"vocoder": str(folder / "voice" / "vocoder.onnx"), "license": "Apache-2.0"}
    return model, voxstack.load(import_voice("matcha", model, folder / "out", progress=str, **options))


def test_speakers_and_dictionaries_are_those_of_sherpa_onnx(speakers, tmp_path):
    model, voice = speakers
    cases = [("你好世界。", number, speed) for number in range(3) for speed in (1.0, 1.5)] + [("你 你好", 2, 1.0)]
    expected = speech("run_sherpa.py", ["sherpa_onnx"], ["matcha", model.parent], cases, tmp_path / "out.npz")
    for (text, number, speed), reference in zip(cases, expected, strict=True):
        samples = voice.synthesize(text, speaker=str(number), rate=speed, noise_scale=0.0).samples
        assert error(samples, reference) < 3e-5, (text, number, speed)


def test_words_of_a_dictionary_have_times(speakers):
    speech = speakers[1].synthesize("你好，世界。", speaker="1")
    assert [event.text for event in speech.events if event.kind == "word"] == ["你好", "世界"]
    assert speakers[1].addon.config["languages"] == ["zh"]


def test_they_are_recognised(speakers, imported):
    assert recognizes(speakers[0])
    assert recognizes(imported["vocos"][0])
    assert not recognizes(imported["vocos"][1])
    assert not recognizes(speakers[0].parent)


def test_the_number_of_speakers_must_be_known(speakers, tmp_path):
    model = onnx.load(speakers[0])
    metadata = {entry.key: entry.value for entry in model.metadata_props if entry.key != "n_speakers"}
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, metadata)
    path = matcha_speakers(tmp_path / "voice")
    onnx.save(model, path)
    with pytest.raises(PackagingError, match="takes 'sid', and has no 'n_speakers' in its metadata"):
        import_voice("matcha", path, tmp_path / "out", progress=str, vocoder=str(path.with_name("vocoder.onnx")))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda folder: (folder / "tokens.txt").unlink(), r"tokens\.txt: does not exist"),
        (lambda folder: (folder / "tokens.txt").write_text("a b\n"), "tokens.txt, line 1: 'a b' is not a symbol"),
        (lambda folder: (folder / "tokens.txt").write_text("a 1\n"), r"tokens: lacks \['\^', '\$'\]"),
        (lambda folder: matcha_voice(folder, "hifigan", jieba="1"), r"lexicon\.txt: does not exist; it defines how"),
        (lambda folder: matcha_voice(folder, "hifigan", voice="zh en-us"), "reads Chinese by a dictionary and English"),
        (
            lambda folder: (folder / "hifigan.onnx").write_bytes((folder / "model-steps-3.onnx").read_bytes()),
            "a HiFi-GAN takes mels",
        ),
        (
            lambda folder: (folder / "model-steps-3.onnx").write_bytes((folder / "hifigan.onnx").read_bytes()),
            r"takes \['mel'\]; an acoustic",
        ),
    ],
)
def test_what_is_no_matcha_voice_is_refused(tmp_path, change, problem):
    acoustic, vocoder = matcha_voice(tmp_path, "hifigan")
    change(tmp_path)
    with pytest.raises(PackagingError, match=problem):
        import_voice("matcha", acoustic, tmp_path / "out", progress=str, vocoder=str(vocoder))
    assert not (tmp_path / "out").exists()
