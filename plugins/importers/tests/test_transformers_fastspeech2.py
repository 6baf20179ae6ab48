"""FastSpeech 2 of transformers: the speech of the addon is that of the original; its vocoder streams."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

REASON = "importing from transformers needs pip install 'voxstack-importers[transformers]'"
torch = pytest.importorskip("torch", reason=REASON)
transformers = pytest.importorskip("transformers", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)

sys.path.insert(0, str(Path(__file__).parent / "support"))
from comparing import error  # noqa: E402
from pretrained import fastspeech2_voice  # noqa: E402
from shared_exports import shared_exports  # noqa: E402

import voxstack  # noqa: E402
from voxstack import ContextError, Schedule  # noqa: E402
from voxstack_importers import import_voice  # noqa: E402
from voxstack_packager import PackagingError  # noqa: E402

TEXT = "HH AH0 L OW1, B EH1 N IY1 Z T AH1 N."
ENGLISH = "HH AH0 L OW1, B EH1 N IY0 Z S AH1 N."
SCHEDULES = [Schedule(first=1, growth=1.0, largest=1), Schedule(first=7, growth=1.3), Schedule(first=5000)]


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Import each voice: the folder of the model and its addon, by name."""
    folder = tmp_path_factory.mktemp("fastspeech2")
    sources = {
        "one": fastspeech2_voice(folder / "source-one"),
        "two": fastspeech2_voice(folder / "source-two", speakers=2),
    }
    sources["english"] = sources["one"]
    options = {"one": {"phonemes": "text"}, "two": {"phonemes": "text", "sample_rate": "8000"}, "english": {}}
    with shared_exports():
        return {
            name: (source, import_voice("transformers", source, folder / name, progress=str, **options[name]))
            for name, source in sources.items()
        }


@pytest.fixture(scope="module")
def voices(imported):
    return {name: voxstack.load(addon) for name, (_, addon) in imported.items()}


def expected(source, rate=1.0, speaker=None, text=TEXT):
    """Return the speech of transformers, whose speed is how slowly it speaks."""
    whole = transformers.FastSpeech2ConformerWithHifiGan.from_pretrained(source).eval()
    whole.model.config.speaking_speed = 1 / rate
    vocabulary = json.loads((source / "vocab.json").read_text())
    phones = text.replace(",", " ,").replace(".", " .").split()
    tokens = torch.tensor([[*(vocabulary[phone] for phone in phones), vocabulary["<sos/eos>"]]])
    with torch.no_grad():
        return whole(tokens, speaker_ids=None if speaker is None else torch.tensor([[speaker]])).waveform[0].numpy()


def test_fixed_sizes_are_refused_when_the_voice_is_loaded(imported, voices):
    assert not voices["one"].addon.config.get("contexts")
    with pytest.raises(ContextError, match=r"^network 'text': .* the network has no mask for it"):
        voxstack.load(imported["one"][1], context={"runtime": "onnx", "shapes": {"tokens": [64], "frames": [256]}})


@pytest.mark.parametrize(
    "name, controls",
    [("one", {}), ("one", {"rate": 0.5}), ("one", {"rate": 1.5}), ("two", {}), ("two", {"speaker": "1"})],
)
def test_it_says_what_transformers_says(imported, voices, name, controls):
    speaker = int(controls.get("speaker", 0)) if name == "two" else None
    reference = expected(imported[name][0], controls.get("rate", 1.0), speaker)
    assert error(voices[name].synthesize(TEXT, **controls).samples, reference) < 1e-4


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_it_says_the_same_for_every_schedule(voices, schedule):
    chunks = [chunk.samples for chunk in voices["one"].stream(TEXT, schedule=schedule)]
    assert len(chunks) > 3 or schedule.first > 60
    assert error(np.concatenate(chunks), voices["one"].synthesize(TEXT).samples) < 1e-4


def test_what_streams_is_measured(voices):
    networks = voices["two"].addon.config["networks"]
    assert {name for name, network in networks.items() if "stateful" in network} == {"vocoder"}
    assert all(network["measured"]["source_error"] < 1e-5 for network in networks.values())


def test_the_sample_rate_is_an_option_as_no_configuration_has_it(voices):
    assert {name: voice.sample_rate for name, voice in voices.items()} == {"one": 22050, "two": 8000, "english": 22050}


def test_it_reads_english(imported, voices):
    speech = voices["english"].synthesize("Hello, Benny's son.")
    assert error(speech.samples, expected(imported["one"][0], text=ENGLISH)) < 1e-4
    words = [event.text for event in speech.events if event.kind == "word"]
    assert words == ["Hello", "Benny's", "son"]


def test_refusals(imported, tmp_path):
    with pytest.raises(
        PackagingError, match="sample_rate: is 'fast', and must be a number of samples a second, such as 22050"
    ):
        import_voice("transformers", imported["one"][0], tmp_path / "out", progress=str, sample_rate="fast")
    with pytest.raises(PackagingError, match="a FastSpeech2ConformerWithHifiGan needs no 'vocoder'; leave it out"):
        import_voice("transformers", imported["one"][0], tmp_path / "out", progress=str, vocoder="somewhere")
    with pytest.raises(PackagingError, match="needs a language or a speaker embedding besides the text"):
        import_voice(
            "transformers", fastspeech2_voice(tmp_path / "languages", num_languages=2), tmp_path / "out", progress=str
        )
    assert not (tmp_path / "out").exists()
