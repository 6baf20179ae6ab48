"""SpeechT5 of transformers: the speech of the addon is that of ``generate_speech``, however it is streamed."""

from __future__ import annotations

import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

REASON = "importing from transformers needs pip install 'voxstack-importers[transformers]'"
torch = pytest.importorskip("torch", reason=REASON)
transformers = pytest.importorskip("transformers", reason=REASON)
pytest.importorskip("sentencepiece", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)

sys.path.insert(0, str(Path(__file__).parent / "support"))
from comparing import SCHEDULES, error  # noqa: E402
from pretrained import speecht5_voice  # noqa: E402
from shared_exports import shared_exports  # noqa: E402

import voxstack  # noqa: E402
from voxstack import Schedule  # noqa: E402
from voxstack_autoregressive.noise import StepNoise  # noqa: E402
from voxstack_importers import import_voice  # noqa: E402
from voxstack_packager import PackagingError  # noqa: E402

TEXT = "This is what they say, is it?"
SPEAKERS = {"anna": np.arange(7.0), "ben": np.cos(np.arange(7.0))}


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Import a voice: the folders of the model and its vocoder, and the addon of both."""
    folder = tmp_path_factory.mktemp("speecht5")
    np.savez(folder / "speakers.npz", **SPEAKERS)
    model, vocoder = speecht5_voice(folder / "source")
    options = {"vocoder": str(vocoder), "speakers": str(folder / "speakers.npz"), "name": "five"}
    with shared_exports():
        return model, vocoder, import_voice("transformers", model, folder / "five", progress=str, **options)


@pytest.fixture(scope="module")
def voice(imported):
    return voxstack.load(imported[2])


def expected(imported, voice, text, **controls):
    """Return the speech of transformers for a text, with the dropout that the voice draws."""
    model = transformers.SpeechT5ForTextToSpeech.from_pretrained(imported[0]).eval()
    vocoder = transformers.SpeechT5HifiGan.from_pretrained(imported[1]).eval()
    tokens = transformers.SpeechT5Tokenizer.from_pretrained(imported[0])(text, return_tensors="pt")["input_ids"]
    spec = voice.addon.networks["step"]
    noise = StepNoise(spec.autoregressive.noise, spec, voice.request(text, **controls))
    layers, drawn = model.config.speech_decoder_prenet_layers, []

    def bernoulli(like, p):
        """Return a mask whose last row is that of the step; those of earlier steps have no effect."""
        if not drawn:
            drawn.extend(np.split(noise.draw()["dropout"][0], layers))
        mask = torch.zeros_like(like)
        mask[-1] = torch.from_numpy((drawn.pop(0) < p).astype(np.float32))
        return mask

    speaker = torch.from_numpy(SPEAKERS[controls.get("speaker", "anna")].astype(np.float32))[None]
    with mock.patch("torch.bernoulli", bernoulli):
        return model.generate_speech(tokens, speaker, vocoder=vocoder).numpy()


@pytest.mark.parametrize("text", ["a", TEXT, f"{TEXT} " * 6], ids=["letter", "sentence", "long"])
def test_it_says_the_same_at_fixed_sizes(imported, voice, text):
    """The steps, whose cache grows, run at any length."""
    fixed = voxstack.load(imported[2], context="fixed")
    shapes = {network.spec.name: bool(network.effective.shapes) for network in fixed.addon.opened}
    assert shapes == {"encoder": True, "step": False, "postnet": True, "vocoder": True, "speakers": True}
    samples = fixed.synthesize(text).samples
    assert error(samples, voice.synthesize(text).samples) < 1e-4
    assert error(np.concatenate([chunk.samples for chunk in fixed.stream(text)]), samples) < 1e-4


@pytest.mark.parametrize(
    ("text", "controls"),
    [
        (TEXT, {}),
        (TEXT, {"seed": 4}),
        (TEXT, {"speaker": "ben", "seed": 1}),
        ("no", {"seed": 2}),
        (" ".join([TEXT] * 3), {"seed": 3}),
    ],
)
def test_it_says_what_transformers_says(imported, voice, text, controls):
    assert error(_uncut(voice, text, controls), expected(imported, voice, text, **controls)) < 1e-4


def _uncut(voice, text, controls):
    """Return the speech of a text that is not cut into sentences, as transformers does not cut it."""
    block = voxstack.build(voice.addon.config["stack"][0]["block"], voice.addon)
    utterance = {**voice.request(text, **controls), "schedule": Schedule(first=16, growth=2.0)}
    utterance.pop("timeline")
    return np.concatenate(list(block.stream(iter(()), utterance)))


def test_what_is_drawn_decides_when_it_ends(voice):
    lengths = {len(voice.synthesize(TEXT, seed=seed).samples) for seed in range(8)}
    assert len(lengths) > 1, "the end of this model depends on its dropout"
    assert max(lengths) < 620 * 8, "it ends before its limit"


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_it_says_the_same_for_every_schedule(voice, schedule):
    chunks = [chunk.samples for chunk in voice.stream(TEXT, schedule=schedule, seed=3)]
    assert len(chunks) > 2 or schedule.first > 60
    assert error(np.concatenate(chunks), voice.synthesize(TEXT, seed=3).samples) < 1e-4


def test_what_streams_is_measured(voice):
    networks = voice.addon.config["networks"]
    assert networks["step"]["autoregressive"]["states"]["cache"] == {"next": "cache_next", "steps": 0}
    assert networks["postnet"]["streaming"] == {"axis": "frames", "left": 6, "right": 6, "hop": 1}
    assert networks["vocoder"]["streaming"]["hop"] == 8
    assert networks["vocoder"]["stateful"]["streaming"]["hop"] == 8
    assert all(network["measured"]["source_error"] < 1e-5 for network in networks.values())


@pytest.mark.parametrize("text", [TEXT, "  two   spaces ", "two\nlines", "No - it's not!", "WHY"])
def test_it_reads_as_the_tokenizer_does(imported, voice, text):
    tokens = transformers.SpeechT5Tokenizer.from_pretrained(imported[0])(text)["input_ids"]
    block = voxstack.build(voice.addon.config["stack"][0]["block"]["sequence_block"]["blocks"][0])
    np.testing.assert_array_equal(block({"text": text})["tokens"], tokens)


def test_refusals(imported, tmp_path):
    model, vocoder, _ = imported
    with pytest.raises(PackagingError, match="give the folder of its SpeechT5HifiGan with --vocoder"):
        import_voice("transformers", model, tmp_path / "out", progress=str)
    with pytest.raises(PackagingError, match=r"names SpeechT5ForTextToSpeech; supported here: SpeechT5HifiGan"):
        import_voice("transformers", model, tmp_path / "out", progress=str, vocoder=str(model))
    np.save(tmp_path / "speakers.npy", np.zeros((2, 6), np.float32))
    options = {"vocoder": str(vocoder), "speakers": str(tmp_path / "speakers.npy")}
    with pytest.raises(
        PackagingError, match=r"speaker '0' has the shape \(6,\); an x-vector for this model has 7 numbers"
    ):
        import_voice("transformers", model, tmp_path / "out", progress=str, **options)
    with pytest.raises(PackagingError, match=r"names SpeechT5HifiGan; supported here: .*SpeechT5ForTextToSpeech"):
        import_voice("transformers", vocoder, tmp_path / "out", progress=str)
    assert not (tmp_path / "out").exists()
