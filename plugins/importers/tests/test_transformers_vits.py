"""VITS of transformers: the speech of the addon is that of ``VitsModel``, however it is streamed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

REASON = "importing from transformers needs pip install 'voxstack-importers[transformers]'"
torch = pytest.importorskip("torch", reason=REASON)
transformers = pytest.importorskip("transformers", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)

sys.path.insert(0, str(Path(__file__).parent / "support"))
from comparing import SCHEDULES, error  # noqa: E402
from pretrained import vits_voice  # noqa: E402
from shared_exports import shared_exports  # noqa: E402

import voxstack  # noqa: E402
from voxstack_importers import import_voice  # noqa: E402
from voxstack_importers.transformers.pretrained import Pretrained  # noqa: E402
from voxstack_importers.transformers.tokenizers import vits_reading  # noqa: E402
from voxstack_packager import PackagingError  # noqa: E402

TEXT = "this is what they say - is it"


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Import each voice: the folder of the model and its addon, by name."""
    folder = tmp_path_factory.mktemp("vits")
    sources = {
        "one": vits_voice(folder / "source-one"),
        "three": vits_voice(folder / "source-three", speakers=3, stochastic=False),
    }
    with shared_exports():
        return {
            name: (source, import_voice("transformers", source, folder / name, progress=str))
            for name, source in sources.items()
        }


@pytest.fixture(scope="module")
def voices(imported):
    return {name: voxstack.load(addon) for name, (_, addon) in imported.items()}


def expected(source, voice, text, **controls):
    """Return the speech of transformers for a text, with the noise that the voice's own blocks draw."""
    model = transformers.VitsModel.from_pretrained(source).eval()
    tokens = transformers.VitsTokenizer.from_pretrained(source)(text, return_tensors="pt")
    utterance = voice.request(text, **controls)
    model.speaking_rate, model.noise_scale = utterance["rate"], utterance["noise_scale"]
    model.noise_scale_duration = utterance.get("noise_scale_duration", 1.0)
    pipeline = voice.addon.config["stack"][0]["block"]
    inputs = {**utterance, **voxstack.build(pipeline["sequence_block"], voice.addon)(utterance)}
    np.testing.assert_array_equal(inputs["tokens"], tokens["input_ids"][0])

    def of_durations(*shape, **_):
        drawn = torch.from_numpy(inputs["duration_noise"].T[None].copy())
        assert drawn.shape == shape
        return drawn

    def of_frames(like):
        zeros = np.zeros((like.shape[2], 2 * like.shape[1]), np.float32)
        stream = voxstack.build({"type": "GaussianSample"}).stream(iter([zeros]), {"seed": utterance["seed"]})
        return torch.from_numpy(next(stream).T[None].copy())

    speaker = {"speaker_id": int(inputs["speaker_id"])} if "speaker_id" in inputs else {}
    with mock.patch("torch.randn", of_durations), mock.patch("torch.randn_like", of_frames), torch.no_grad():
        return model(**tokens, **speaker).waveform[0].numpy()


@pytest.mark.parametrize(
    ("name", "controls"),
    [
        ("one", {}),
        ("one", {"rate": 2.0, "seed": 5}),
        ("one", {"rate": 0.7, "noise_scale": 1.0, "noise_scale_duration": 0.2}),
        ("three", {}),
        ("three", {"speaker": "2", "seed": 1, "rate": 1.5}),
    ],
)
def test_it_says_what_transformers_says(imported, voices, name, controls):
    samples = voices[name].synthesize(TEXT, **controls).samples
    assert error(samples, expected(imported[name][0], voices[name], TEXT, **controls)) < 1e-4


def test_speakers_are_different(voices):
    one, other = (voices["three"].synthesize(TEXT, speaker=speaker).samples for speaker in ("0", "1"))
    assert one.shape != other.shape or error(one, other) > 0.01


@pytest.mark.parametrize("name", ["one", "three"])
@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_it_says_the_same_for_every_schedule(voices, name, schedule):
    voice = voices[name]
    chunks = [chunk.samples for chunk in voice.stream(TEXT, schedule=schedule, seed=3)]
    assert len(chunks) > 3 or schedule.first > 60
    assert error(np.concatenate(chunks), voice.synthesize(TEXT, seed=3).samples) < 1e-4


@pytest.mark.parametrize("name", ["one", "three"])
@pytest.mark.parametrize("text", ["a", "is it", TEXT, f"{TEXT} " * 9], ids=["letter", "words", "sentence", "long"])
def test_it_says_the_same_at_fixed_sizes(imported, voices, name, text):
    fixed = voxstack.load(imported[name][1], context="fixed")
    assert all(network.effective.shapes for network in fixed.addon.opened)
    samples = fixed.synthesize(text).samples
    assert error(samples, voices[name].synthesize(text).samples) < 1e-4
    assert error(np.concatenate([chunk.samples for chunk in fixed.stream(text)]), samples) < 1e-4


def test_what_streams_is_measured(voices):
    networks = voices["three"].addon.config["networks"]
    assert {name for name, network in networks.items() if "streaming" in network} == {"flow", "vocoder"}
    assert (
        networks["flow"]["streaming"]["left"] == networks["flow"]["streaming"]["right"] == 2 * 2 * 2
    )  # flows, layers, half a kernel
    assert networks["vocoder"]["streaming"]["hop"] == 8
    assert networks["vocoder"]["stateful"]["streaming"]["hop"] == 8
    assert all(network["measured"]["source_error"] < 1e-5 for network in networks.values())


@pytest.mark.parametrize("text", ["Hello There", "  what - is it?! ", "a-b's c...", "ünd Ähnliches", "yes ."])
def test_it_reads_as_the_tokenizer_does(imported, voices, text):
    tokens = transformers.VitsTokenizer.from_pretrained(imported["one"][0])(text)["input_ids"]
    block = voxstack.build(voices["one"].addon.config["stack"][0]["block"]["sequence_block"]["blocks"][0])
    np.testing.assert_array_equal(block({"text": text})["tokens"], tokens)


def reading(folder, letters, **config):
    """Return the folder of a tokenizer with these letters, of which the first is the blank, and its reading."""
    folder.mkdir()
    settings = {
        "tokenizer_class": "VitsTokenizer",
        "unk_token": "<unk>",
        "phonemize": False,
        "is_uroman": False,
        "language": "eng",
    }
    (folder / "vocab.json").write_text(json.dumps({letter: place for place, letter in enumerate(letters)}))
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "pad_token": letters[0], **config}))
    return folder, vits_reading(Pretrained(folder, {}, "VitsModel"))


@pytest.mark.parametrize(
    ("letters", "config", "text"),
    [
        ("_abţt ", {"language": "ron"}, "Ţab ţa țaț"),
        ("_aAb ", {}, "aAbB Ab"),
        ("_abc ", {"normalize": False}, " ab ca"),
        ("_abc ", {"add_blank": False}, "Ab, ca"),
    ],
)
def test_other_tokenizers_are_read_alike(tmp_path, letters, config, text):
    folder, read = reading(tmp_path / "tokenizer", letters, **config)
    tokens = transformers.VitsTokenizer.from_pretrained(folder)(text)["input_ids"]
    np.testing.assert_array_equal(voxstack.build(read.blocks[0])({"text": text})["tokens"], tokens)


def test_a_letter_that_is_also_the_blank_has_blanks_around_it_like_any_other(tmp_path):
    """So voices of MMS were trained; their tokenizer treats it as special, and leaves out blanks at its sides."""
    folder, read = reading(tmp_path / "tokenizer", "kaes ")
    tokens = voxstack.build(read.blocks[0])({"text": "akk"})["tokens"].tolist()
    assert tokens == [0, 1, 0, 0, 0, 0, 0]
    assert len(tokens) > len(transformers.VitsTokenizer.from_pretrained(folder)("akk")["input_ids"])


@pytest.mark.parametrize(
    ("named", "tag"),
    [("eng", "en"), ("ron", "ro"), ("azj-script_latin", "azj"), (None, "en"), ("pt-BR", "pt-BR")],
)
def test_languages_are_named_by_their_tags(tmp_path, named, tag):
    assert reading(tmp_path / "tokenizer", "_a", language=named)[1].language == tag


def test_refusals(tmp_path):
    source = vits_voice(tmp_path / "source", is_uroman=True)
    with pytest.raises(
        PackagingError, match=r"tokenizer_config\.json: is_uroman: the text must be put into Roman letters"
    ):
        import_voice("transformers", source, tmp_path / "out", progress=str)
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps({**config, "architectures": ["BarkModel"]}))
    with pytest.raises(PackagingError, match=r"names BarkModel; supported here: .*VitsModel"):
        import_voice("transformers", source, tmp_path / "out", progress=str)
    (source / "config.json").write_text(json.dumps(config))
    (source / "model.safetensors").rename(source / "pytorch_model.bin")
    with pytest.raises(
        PackagingError, match=r"only in pytorch_model\.bin, a pickle, which can run code when it is read"
    ):
        import_voice("transformers", source, tmp_path / "out", progress=str)
    (source / "pytorch_model.bin").unlink()
    with pytest.raises(PackagingError, match=r"has no model\.safetensors; give a folder"):
        import_voice("transformers", source, tmp_path / "out", progress=str)
    with pytest.raises(PackagingError, match=r"has no config\.json"):
        import_voice("transformers", tmp_path, tmp_path / "out", progress=str)
    assert not (tmp_path / "out").exists()
